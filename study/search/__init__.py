"""Optuna's state, samplers, and the life of every run. Needs no Ray."""
