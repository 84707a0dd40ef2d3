"""Spaces by name or by file."""

import difflib
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from pnn_core.config import DatasetShape
from search_spaces.space import SearchSpace

BUILT_IN = ("noise_masks",)
"""Modules of this package that define a `SPACE`."""


class SpaceError(ValueError):
    """A space that cannot be found, loaded or searched; the message is one sentence."""


def find_space(name: str, dataset: DatasetShape) -> SearchSpace:
    """Find a space.

    Args:
        name: Of a built-in space, or the path of a Python file that defines `SPACE`: a
            `SearchSpace`, or a function from a `DatasetShape` to one where the space depends on
            the images. The file's code is run.
        dataset: Shape of the images to train on.

    Raises:
        SpaceError: Says what was given and what would be accepted.
    """
    definition = _definition(_load(name), name)
    space = definition
    if callable(definition):
        try:
            space = definition(dataset)
        except Exception as error:
            raise SpaceError(f"{name} raised {_describe(error)} while making its SPACE") from error
    if not isinstance(space, SearchSpace):
        raise SpaceError(
            f"{name} defines SPACE as {type(space).__name__}; accepted is a SearchSpace, "
            "or a function from a DatasetShape to one"
        )
    try:
        space.require_a_network(dataset)
    except ValueError as error:
        raise SpaceError(str(error)) from error
    return space


def _load(name: str) -> ModuleType:
    if name in BUILT_IN:
        return importlib.import_module(f"search_spaces.{name}")
    path = Path(name)
    if path.suffix != ".py" and not path.exists():
        near = difflib.get_close_matches(name, BUILT_IN, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SpaceError(
            f"{name!r} is not a space: {hint}accepted are {', '.join(BUILT_IN)} "
            "or the path of a .py file that defines SPACE"
        )
    if not path.is_file():
        raise SpaceError(f"there is no file {name}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SpaceError(f"{name} is not a Python file: accepted is a .py file that defines SPACE")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise SpaceError(f"{name} raised {_describe(error)}") from error
    return module


def _definition(module: ModuleType, name: str) -> object:
    if hasattr(module, "SPACE"):
        return module.SPACE
    other = next((n for n in vars(module) if n.upper() == "SPACE"), None)
    hint = f"; it defines {other}, and names are case-sensitive" if other else ""
    raise SpaceError(f"{name} does not define SPACE{hint}")


def _describe(error: Exception) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
