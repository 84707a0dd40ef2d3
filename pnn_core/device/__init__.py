"""The device that trains, and its memory.

- `selection`: the best device there is
- `gpu_memory_limit`: a process's share of a GPU that others use, too
- `malloc`: the host's allocator in a process that trains on the CPU
"""
