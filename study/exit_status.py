"""Exit statuses of the commands."""

DONE = 0
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130
