"""Spaces by name or by file."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

from pnn_core.config import DETECTION, DatasetShape
from pnn_core.config.checks import did_you_mean
from pnn_core.parts.own_code import describe, run_source
from search_spaces.buildable import require_a_network
from search_spaces.errors import SpaceError
from search_spaces.network import require_network
from search_spaces.space import SearchSpace

BUILT_IN = (
    "noise_masks",
    "pnn_bench",
    "controls",
    "dispute",
    "gaussian_noise",
    "paper_table1",
    "paper_table2",
    "paper_table3",
    "paper_table4",
    "paper_table5",
    "paper_table6",
    "paper_table7",
    "detection_masks",
)
"""Modules of this package that define a `SPACE`."""

FOR_DETECTION = ("paper_table7", "detection_masks")
"""Those of them that need a data set with boxes."""


def find_space(name: str, dataset: DatasetShape, network: str | None = None) -> SearchSpace:
    """Find a space.

    Args:
        name: Name of a built-in space, or the path of a Python file that defines `SPACE`: a
            `SearchSpace`, or a function to one where the space depends on the images. The function
            takes a `DatasetShape` and, if it has a parameter `network`, the name of the network
            that was asked for or None. The file's code is run.
        dataset: Shape of the images to train on.
        network: Network in the place of the space's own; see `SearchSpace.with_network`.

    Raises:
        SpaceError: Says what is wrong and what would be accepted. A file is not named: who asked
            for it knows its name, and says it.
    """
    if name in FOR_DETECTION and dataset.task != DETECTION:
        raise SpaceError(
            f"{name} finds objects, and the data set has no boxes: accepted are --dataset "
            "vocfolder and voc2007"
        )
    try:
        if network is not None:
            require_network(network)
        space, knows_network = _make(name, dataset, network)
        if network is not None and not knows_network:
            space = space.with_network(network)
        space = space.without_idle_axes()
        require_a_network(space, dataset)
    except SpaceError:
        raise
    except ValueError as error:
        raise SpaceError(str(error)) from error
    return space


def space_summary(name: str) -> str:
    """Return the line that explains a built-in space."""
    images = DatasetShape(channels=3, height=32, width=32, classes=10)
    if name in FOR_DETECTION:
        images = DatasetShape(channels=3, height=320, width=320, classes=20, task=DETECTION)
    return find_space(name, images).summary


def _make(name: str, dataset: DatasetShape, network: str | None) -> tuple[SearchSpace, bool]:
    """Make a space as its file does; True beside it if it was told of the network."""
    space = _definition(_load(name))
    knows_network = False
    if callable(space):
        try:
            knows_network = "network" in inspect.signature(space).parameters
            space = space(dataset, network=network) if knows_network else space(dataset)
        except SpaceError:
            raise
        except Exception as error:
            raise SpaceError(f"the file raised {describe(error)} while making its SPACE") from error
    if not isinstance(space, SearchSpace):
        raise SpaceError(
            f"the file defines SPACE as {type(space).__name__}; accepted is a SearchSpace, "
            "or a function from a DatasetShape to one"
        )
    return space, knows_network


def _load(name: str) -> ModuleType:
    if name in BUILT_IN:
        return importlib.import_module(f"search_spaces.{name}")
    path = Path(name)
    if path.suffix != ".py" and not path.exists():
        hint = did_you_mean(name, BUILT_IN)
        raise SpaceError(
            f"{name!r} is not a space: {hint}{hint and ' '}accepted are {', '.join(BUILT_IN)} "
            "or the path of a .py file that defines SPACE"
        )
    if not path.is_file():
        raise SpaceError("there is no file of that name")
    if path.suffix != ".py":
        raise SpaceError("that is not a Python file: accepted is a .py file that defines SPACE")
    try:
        # A name that no module has: the file is known by it only while it runs.
        return run_source(f"search_spaces.file:{path.stem}", path.read_bytes(), str(path))
    except ValueError as error:
        if isinstance(error.__cause__, SpaceError):
            raise error.__cause__ from None
        raise SpaceError(str(error)) from error


def _definition(module: ModuleType) -> object:
    if hasattr(module, "SPACE"):
        return module.SPACE
    other = next((n for n in vars(module) if n.upper() == "SPACE"), None)
    hint = f"; it defines {other}, and names are case-sensitive" if other else ""
    raise SpaceError(f"the file does not define SPACE{hint}")
