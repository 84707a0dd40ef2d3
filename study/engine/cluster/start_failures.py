"""Reasons why Ray did not start on this machine, with what to change."""

import errno
import os
from pathlib import Path

from study.engine.cluster.private_files import ray_folder

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def describe_start(error: Exception) -> str:
    """Describe an error of `ray.init`: the place that is full or out of reach, else Ray's words."""
    cause = " ".join(str(error).split()) or type(error).__name__
    temporary = Path(
        os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  # Ray's rule
    )
    elsewhere = "set RAY_TMPDIR to another folder, with a short path, such as /tmp"
    if "AF_UNIX" in cause:
        return (
            f"{temporary}: its path is too long for the sockets that Ray makes in it: {elsewhere}"
        )
    if not isinstance(error, OSError) or error.errno is None:
        return f"Ray could not be started on this machine: {cause}"
    reason = (error.strerror or cause).lower()
    if error.errno in _NO_ROOM and error.filename is None:
        return f"{temporary}, where Ray keeps its files: {reason}: make room, or {elsewhere}"
    if error.filename is None:
        return f"Ray could not be started on this machine: {cause}"
    place = Path(os.fsdecode(error.filename))
    if place.is_relative_to(temporary):
        return f"{place} cannot be used: {reason}: make it usable, or {elsewhere}"
    if place.is_relative_to(ray_folder()):
        return f"{place} cannot be used: {reason}: Ray keeps its token in .ray of your HOME"
    return f"{place} cannot be used: {reason}"
