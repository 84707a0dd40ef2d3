"""Networks by name, as a space is asked for one."""

import difflib

from pnn_core.parts.networks import NETWORKS


def require_network(name: str) -> str:
    """Check the name of a network.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    if name not in NETWORKS:
        near = difflib.get_close_matches(name.lower(), NETWORKS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{name!r} is not a network: accepted are {', '.join(NETWORKS)}{hint}")
    return name
