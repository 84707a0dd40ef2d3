"""Ray cluster: connection, resources and what all workers share.

- `connect`: starts or joins a cluster, and counts the trials that it has room for
- `gpu_sharing`, `gpu_words`: number of trials that share a GPU, and what is told of it
- `gpu_kinds`: kinds of GPUs, each with a number of its own
- `operators`: arithmetic of a study, the same on every node
- `shared_folder`: check that all nodes see the same checkpoints
- `control_store`: watch over Ray's control store
- `leftovers`: processes and folders of drivers that were killed
- `private_files`, `start_failures`: modes of Ray's files, and reasons why it does not start
- `stop_signal`: tells workers that the study stops
- `worker_settings`, `worker_name`: settings and name of a worker process
- `private_ray`: parts of Ray that have no public name
"""
