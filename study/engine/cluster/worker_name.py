"""Name of a worker process."""

import os
import socket


def worker_name() -> str:
    """Return this process as `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"
