"""Modes of the files that Ray makes on our behalf: their owner's alone."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Keep what is made within the context, and by the processes started there, to its owner."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def ray_folder() -> Path:
    """Return the folder of Ray's token, which need not exist, also without a home."""
    # Unlike pathlib's, it raises no error where there is no home.
    return Path(os.path.expanduser("~/.ray"))  # noqa: PTH111


def keep_private(session: Path) -> None:
    """Close to others what Ray opens to them whatever the `umask` is.

    Args:
        session: Folder of the cluster's sockets and logs; Ray makes it writable for all.
    """
    token = ray_folder() / "auth_token"  # an earlier start may have made it
    for path, mode in ((session, 0o700), (token, 0o600), (token.parent, 0o700)):
        with contextlib.suppress(OSError):  # none, or somebody else's
            path.chmod(mode)
