"""Networks by name, as a space is asked for one."""

from pnn_core.config.checks import require_known
from pnn_core.parts.networks import NETWORKS


def require_network(name: str) -> str:
    """Check the name of a network.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    require_known("a network", name, NETWORKS)
    return name
