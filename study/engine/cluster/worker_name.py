"""Which process trains."""

import os
import socket


def worker_name() -> str:
    """This process as `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"
