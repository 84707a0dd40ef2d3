"""Training runs that differ in their seeds alone, trained at once as one network.

- `grouping`: which runs are trained at once
- `batched_run`: their training
- `batched_modules`: several networks as one
- `batched_state`: the state of one network to and from that of several
- `gpu_memory_probe`: the peak of GPU memory of the largest of several runs
"""
