"""Checkpoints of running trials, and weights of trained ones.

- `checkpoint_store`: store of files, in a folder or under a URL
- `worker_checkpoint`: saves and restores what a worker trains
- `cleanup`: removal of checkpoints that are no longer needed
- `weights_keeper`: weights of the front and of confirmed runs, fetched into the study's folder
- `background_work`: the thread that does either
"""
