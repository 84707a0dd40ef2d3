"""Checkpoints of running trials.

- `checkpoint_store`: files in a folder or under a URL
- `worker_checkpoint`: a worker saves and restores what it trains
- `cleanup`: removal of checkpoints that are no longer needed
"""
