"""Entries of a registry, by their names."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any


def load_entries(package: str, constant: str, *names: str) -> Mapping[str, Any]:
    """Load the entry of each name from the module of that name.

    Args:
        package: Package of the modules.
        constant: Name under which each module defines its entry.
        *names: Names of the entries, in the registry's order.

    Returns:
        Entries by name, read-only.
    """
    return MappingProxyType(
        {name: getattr(import_module(f"{package}.{name}"), constant) for name in names}
    )
