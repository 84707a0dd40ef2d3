"""Tags that the platform alone reads, under one prefix: they stand together, apart from people's.

Studies of earlier versions have them without the prefix.
"""

from collections.abc import Mapping

PREFIX = "pnn."

_EARLIER = ("record.", "worker", "arithmetic")
"""Names, or their beginnings, that runs of trials had without the prefix."""


def machine_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags under the prefix."""
    return {f"{PREFIX}{name}": value for name, value in tags.items()}


def without_prefix(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as earlier versions named them; where a run holds both, the prefixed one counts.

    Args:
        tags: Tags, as logged.
    """
    ours = {n.removeprefix(PREFIX): value for n, value in tags.items() if n.startswith(PREFIX)}
    return {**tags, **ours}


def with_earlier(tags: Mapping[str, str]) -> dict[str, str]:
    """Return what a run holds, with tags of earlier versions as if they had the prefix.

    What they hold need not be written again when such a study goes on.
    """
    earlier = {name: value for name, value in tags.items() if name.startswith(_EARLIER)}
    return {**machine_tags(earlier), **tags}
