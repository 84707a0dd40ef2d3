"""Checkpoints of running trials."""
