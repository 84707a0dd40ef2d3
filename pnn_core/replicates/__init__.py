"""Training runs that differ in their seeds alone, trained at once as one network.

- `grouping`: choice of the runs that are trained at once
- `batched_run`: training of several runs as one network
- `batched_modules`: the layers of that network
- `batched_state`: copies between its state and the states of the runs
- `gpu_memory_probe`: peak of GPU memory of the largest of several runs, measured
- `training_rate`, `training_process`: steps per second of several processes on one device
"""
