"""Notification of a study's end: a command that is run, or a URL that is posted to."""

import http.client
import json
import shlex
import subprocess
import urllib.request
from dataclasses import asdict, dataclass

from study.planning.notified_place import is_url
from study.results.mask_secrets import mask_password
from study.results.printable import printable

SECONDS = 5.0
"""Time that a command or a server may take: a preempted study has 15 s to end."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Content of a notification, a JSON document.

    Attributes:
        study: Name of the study.
        end: `done`, `failed` or `interrupted`.
        text: One sentence for a person, under the key that chat servers show.
    """

    study: str
    end: str
    text: str


def notify(place: str, notice: Notice) -> str:
    """Tell of a study's end.

    Args:
        place: Checked by `read_notified`. A command gets the notice on its standard input.
        notice: What to tell.

    Returns:
        The reason why it could not be told; empty if it was.
    """
    document = json.dumps(asdict(notice)).encode()
    try:
        if is_url(place):
            request = urllib.request.Request(  # noqa: S310  # its scheme was checked
                place, data=document, headers={"Content-Type": "application/json"}, method="POST"
            )
            with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310  # likewise
                return ""
        ended = subprocess.run(  # noqa: S603  # the command of who runs the study
            shlex.split(place), input=document, capture_output=True, timeout=SECONDS
        )
    except (
        OSError,
        ValueError,
        http.client.HTTPException,  # the server speaks something else
        subprocess.TimeoutExpired,
    ) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        return printable(mask_password(f"--notify {place}: {why}"))
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        return mask_password(
            f"--notify {place}: ended with status {ended.returncode}" + ": ".join(["", *said[-1:]])
        )
    return ""
