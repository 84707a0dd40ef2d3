"""Networks by name, as a space is asked for one."""

from pnn_core.config.checks import require_known
from pnn_core.parts.network_libraries import LIBRARIES
from pnn_core.parts.networks import NETWORKS


def require_network(name: str) -> str:
    """Check the name of a network.

    If a library has it is known when it is built.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    if name not in NETWORKS:
        libraries = (f"{library}:NAME" for library in LIBRARIES)
        require_known("a network", name, (*NETWORKS, *libraries, "FILE.py"))
    return name
