"""Networks by name, as a space is asked for one."""

from pnn_core.config.checks import did_you_mean
from pnn_core.parts.networks import NETWORKS


def require_network(name: str) -> str:
    """Check the name of a network.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    if name not in NETWORKS:
        hint = did_you_mean(name.lower(), NETWORKS)
        accepted = ", ".join(NETWORKS)
        raise ValueError(f"{name!r} is not a network: accepted are {accepted}{hint and '; '}{hint}")
    return name
