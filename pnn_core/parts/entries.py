"""Entries of a registry, by their names."""

from collections.abc import Callable, Collection, Iterator, Mapping
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Entries by name: the built-in ones in their order, then those of one's own.

    Args:
        built_in: Entries that come with the program.
        find: Function that returns the entry of a name that stands for one without having been
            added, such as that of a network of another library; None for any other name.
    """

    def __init__(
        self, built_in: Mapping[str, T], find: Callable[[str], T | None] | None = None
    ) -> None:
        self._built_in = dict(built_in)
        self._added: dict[str, T] = {}
        self._find = find

    def __getitem__(self, name: str) -> T:
        for entries in (self._built_in, self._added):
            if name in entries:
                return entries[name]
        # Whoever asks if a value is a name may ask it of any value.
        found = self._find(name) if self._find is not None and isinstance(name, str) else None
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self._added

    def __len__(self) -> int:
        return len(self._built_in) + len(self._added)

    @property
    def added(self) -> Collection[str]:
        """Names of the entries of one's own."""
        return self._added.keys()

    def add(self, name: str, entry: T) -> None:
        """Add an entry of one's own; one that was added under its name before gives way.

        Raises:
            ValueError: A built-in entry has the name.
        """
        if name in self._built_in:
            raise ValueError(f"{name!r} is the name of a built-in one: choose another name")
        self._added[name] = entry


def load_entries(
    package: str, constant: str, *names: str, find: Callable[[str], T | None] | None = None
) -> Registry[T]:
    """Load the entry of each name from the module of that name.

    Args:
        package: Package of the modules.
        constant: Name under which each module defines its entry.
        *names: Names of the entries, in the registry's order.
        find: See `Registry`.
    """
    entries = {name: getattr(import_module(f"{package}.{name}"), constant) for name in names}
    return Registry(entries, find)
