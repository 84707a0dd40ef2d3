"""Times for which the end of a study waits for the programs that show it."""

ENDING_SECONDS = 30.0
"""Time that one which fails may hold up the end of a study."""

BROKEN_OFF_SECONDS = 3.0
"""Same time where somebody waits for the prompt: what is missing then is sent by `--resume`."""
