"""Execution of a planned study, from its first trial to its last word."""
