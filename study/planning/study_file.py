"""`study.json`: all that `--resume` needs to know of a study, beside its trials.

The trials are in Optuna's storage. This file is written before anything else, always whole, and
never holds a password.
"""

import difflib
import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from optuna.distributions import distribution_to_json

from pnn_core.config import DatasetShape, ParameterValue
from search_spaces import SearchSpace
from study.config import FIFO, require_study_name
from study.results.mask_secrets import mask_password

STUDIES = Path("studies")
"""Where studies go, each in a folder of its name."""

FILE = "study.json"
"""The file's name within the study's folder."""

PART = f".{FILE}.part"
"""Name of the file while it is being written."""

VERSION = 1
"""Of the format."""

_HIDDEN = ("tracking_uri", "storage", "checkpoints")
"""What may hold a password."""


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """The settings of a study, every default resolved but those that are a place of their own.

    Attributes:
        version: Of the format.
        name: Of the study.
        study_id: Tells it from another study of its name.
        space: A built-in space's name, the absolute path of a file, or the key of the trial that
            is run again.
        space_digest: Of the space that the name stood for; see `space_digest`.
        dataset: Name of the data set.
        images: Their shape and the number of their classes, in words.
        data_dir: Absolute path of its folder.
        model: The network that took the place of the space's own; None for none.
        trials: Asked for so far.
        epochs: Full budget of a trial.
        replicates: Seeds of each trial.
        confirm: Seeds that confirm the front.
        seed: Of the study.
        objectives: Names, separated by commas.
        sampler: Its name.
        tracking_uri: MLflow's, its password masked; None for MLflow's own rule.
        storage: Optuna's URL, its password masked; None for a file in the study's folder.
        checkpoints: Absolute path or URL, its password masked; None for the study's folder.
        keep_checkpoints: Whether a complete trial's last checkpoint stays.
        address: Of a running Ray cluster; None for this machine.
        cpus_per_trial: CPU cores.
        gpus_per_trial: GPUs, or a fraction of one; None to measure, in each life anew.
        max_concurrent: Trials at once; None for as many as fit.
        rerun: Settings of the trial that is run again; None for a search.
        scheduler: Its name.
        reduction_factor: One in so many goes on from a rung; None where there are no rungs.
        first_rung: Epoch of the first rung; None where there is none.
    """

    version: int = VERSION
    name: str
    study_id: str
    space: str
    space_digest: str
    dataset: str
    images: str
    data_dir: str
    model: str | None
    trials: int
    epochs: int
    replicates: int
    confirm: int
    seed: int
    objectives: str
    sampler: str
    tracking_uri: str | None
    storage: str | None
    checkpoints: str | None
    keep_checkpoints: bool
    address: str | None
    cpus_per_trial: int
    gpus_per_trial: float | None
    max_concurrent: int | None
    rerun: dict[str, ParameterValue] | None = None
    # Files of studies that began before there were rungs lack these.
    scheduler: str = FIFO
    reduction_factor: int | None = None
    first_rung: int | None = None

    def __post_init__(self) -> None:
        for name in _HIDDEN:
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, mask_password(value))

    def write(self, folder: Path) -> None:
        """Write it into the study's folder; after a crash the file is the old one or the new one.

        Raises:
            OSError: It cannot be written; the old one is intact.
        """
        path = folder / FILE
        # The study's lock lets one process write at a time, so that one name is enough.
        part = folder / PART
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            _sync_folder(folder)
        except OSError as error:
            # A write that finds the disk full does not say where.
            raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from error

    @classmethod
    def read(cls, folder: Path) -> "StudyFile":
        """Read it from a study's folder.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
            ValueError: It is no whole study file, or one of another format.
        """
        path = folder / FILE
        text = path.read_bytes()
        try:
            document = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
            return _decode(document)
        except (ValueError, RecursionError) as error:
            reason = "it is torn or no JSON" if _is_syntax(error) else str(error)
            raise ValueError(f"{path} cannot be used: {reason}") from error


def describe_images(shape: DatasetShape) -> str:
    """What a data set's images are, in words."""
    return f"{shape.channels}x{shape.height}x{shape.width} in {shape.classes} classes"


def space_digest(space: SearchSpace) -> str:
    """What tells spaces apart: the same in every process, whatever the summary says.

    The order of axes and variants counts, as samplers and grids follow it.
    """
    content = {
        "name": space.name,
        "axes": [[name, distribution_to_json(axis)] for name, axis in space.axes.items()],
        "fixed": dict(space.fixed),
        "grid": {name: list(values) for name, values in space.grid.items()},
        "variants": [[name, dict(settings)] for name, settings in space.variants.items()],
        "is_grid": space.is_grid,
    }
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def study_names(root: Path = STUDIES) -> tuple[str, ...]:
    """Studies in a folder, the latest first."""
    files = [folder / FILE for folder in root.iterdir()] if root.is_dir() else []
    begun = [(file.stat().st_mtime, file.parent.name) for file in files if file.is_file()]
    return tuple(name for _, name in sorted(begun, reverse=True))


def nearest_study(name: str, names: Sequence[str]) -> str:
    """A hint at the study that may have been meant."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"did you mean {near[0]}?" if near else f"{STUDIES} holds no study yet"


def _decode(document: object) -> StudyFile:
    if not isinstance(document, dict):
        raise ValueError(f"it holds a {type(document).__name__} where settings are expected")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise ValueError(f"its version is {version!r}: this program reads version {VERSION}")
    names = [field.name for field in fields(StudyFile)]
    for field in fields(StudyFile):
        if field.name not in document and field.default is MISSING:
            raise ValueError(f"{field.name!r} is missing")
    for name in document:
        if name not in names:
            raise ValueError(f"{name!r} is unknown: accepted are {', '.join(names)}")
    for name, hint in get_type_hints(StudyFile).items():
        if name in document:
            kinds = (get_origin(kind) or kind for kind in get_args(hint) or (hint,))
            _require_type(name, document[name], tuple(kinds))
    for name, value in (document.get("rerun") or {}).items():
        _require_type(name, value, get_args(ParameterValue))
    require_study_name(document["name"])
    return StudyFile(**document)


def _require_type(name: str, value: Any, accepted: tuple[type, ...]) -> None:  # noqa: ANN401  # JSON
    """JSON knows whole numbers and others apart, but Python takes true for 1."""
    fits = isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not fits and not (float in accepted and is_number):
        words = " or ".join("null" if kind is type(None) else kind.__name__ for kind in accepted)
        raise ValueError(f"{name} (={value!r}) must be {words}")
    if is_number and not math.isfinite(value):
        raise ValueError(f"{name} (={value!r}) must be finite")


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _is_syntax(error: BaseException) -> bool:
    return isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, RecursionError))


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
