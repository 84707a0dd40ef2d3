"""Optuna's state, samplers, and the life of a trial. Needs no Ray."""
