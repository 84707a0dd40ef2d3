"""The device that trains, its memory and its precision.

- `selection`: the default device, its name and its free memory
- `precision`: autocast
- `gpu_memory_limit`: limit of a process's memory on a GPU that other processes use, too
- `malloc`: the host's allocator in a process that trains on the CPU
"""
