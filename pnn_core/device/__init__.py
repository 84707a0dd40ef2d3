"""The device that trains, its memory and its precision.

- `selection`: the default device, its name and its free memory
- `precision`: autocast
- `gpu_memory_limit`: limit of a process's memory on a GPU that other processes use, too
- `gpu_sharing`: choice of the number of processes on a GPU, by their steps per second
- `mps`: CUDA's multi-process service
- `malloc`: the host's allocator in a process that trains on the CPU
"""
