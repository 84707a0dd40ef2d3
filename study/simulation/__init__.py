"""Searches replayed on a recorded table, in simulated time."""
