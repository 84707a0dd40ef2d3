"""Checkpoints of running trials.

- `checkpoint_store`: store of files, in a folder or under a URL
- `worker_checkpoint`: saves and restores what a worker trains
- `cleanup`: removal of checkpoints that are no longer needed
"""
