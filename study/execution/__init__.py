"""A planned study from its first trial to its last word."""
