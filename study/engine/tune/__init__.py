"""Ray Tune, which trains whatever a run manager proposes.

- `tuner`: runs Tune until a manager has no more to propose
- `searcher`, `scheduler`, `callback`: connect Tune to the manager
- `places`: choice among different GPUs
- `trainable`, `run_group`, `worker_run`: train in worker processes
- `worker_images`: images of a search or of a confirmation
- `warm_workers`: modules that workers import before the first trial
- `private_tune`: parts of Tune that have no public name
"""
