"""`study.json`: all that `--resume` needs to know of a study, beside its trials.

The trials are in Optuna's storage. This file is written before anything else, always whole, and
never holds a password.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pnn_core.config import COMPILED, FUSED, TORCH, Arithmetic, DatasetShape, ParameterValue
from pnn_core.config.checks import did_you_mean, require_known
from study.config import require_study_name
from study.results.bounded_json import parse_json
from study.results.mask_secrets import mask_password
from study.results.setting import Option, kinds_of, options, spell
from study.results.settings import Settings
from study.results.whole_file import write_whole

FILE = "study.json"
"""Name of the file within the study's folder."""

VERSION = 1
"""Version of the file format."""

LATER = {
    *("rerun", "confirm_beforehand", "first_fresh_seed", "experiment"),
    *("trials_ended", "confirmations_ended", "arithmetic", "own", "controls_beforehand"),
}
"""Names, beside those of settings, that files of earlier versions lack."""


@dataclass(frozen=True, kw_only=True)
class StudyFile(Settings):
    """Settings of a study, every default resolved but those that are a place of their own.

    Attributes:
        version: Version of the file format.
        name: Name of the study.
        study_id: Tells it from another study of its name.
        space: Name of a built-in space, absolute path of a file, or key of the trial that is run
            again.
        space_digest: Digest of the space that the name stood for; see `planned_experiment`.
        images: Shape of the images and number of their classes, in words.
        rerun: Settings of the trial that is run again; None for a search.
        trials: Trials asked for so far.
        confirm_beforehand: Number of fresh seeds that was fixed first; None where there is none, or
            the study began before it was recorded.
        controls_beforehand: Controls that were fixed first, in the same way.
        first_fresh_seed: First fresh seed; None where the study began before it was recorded.
        experiment: Plan of the space's experiment, as JSON; None for none.
        sampler: Name of the sampler.
        trials_ended: Number of trials that have ended, or a few less: the storage holds no fewer;
            None where the study began before it was counted.
        confirmations_ended: Number of confirmation runs that have ended, in the same way.
        arithmetic: Arithmetic that trains networks on the CPU; None where it was not recorded.
        own: Code of one's own: `OwnCode.recorded` of each; the files lie in a folder beside this.
    """

    version: int = VERSION
    name: str
    study_id: str
    space: str
    space_digest: str
    images: str
    rerun: dict[str, ParameterValue] | None = None
    trials: int
    sampler: str
    confirm_beforehand: int | None = None
    controls_beforehand: str | None = None
    first_fresh_seed: int | None = None
    experiment: str | None = None
    trials_ended: int | None = None
    confirmations_ended: int | None = None
    arithmetic: str | None = None
    own: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, declared in options(Settings).items():
            if declared.secret and (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, mask_password(value))

    def write(self, folder: Path) -> None:
        """Write the file into the study's folder; after a crash it is the old one or the new one.

        Raises:
            OSError: It cannot be written; the old one is intact.
        """
        document = {name: _encode(getattr(self, name)) for name in kinds_of(StudyFile)}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write_whole(folder / FILE, text, private=True)  # it names hosts

    @classmethod
    def read(cls, folder: Path) -> "StudyFile":
        """Read the file of a study's folder.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
            ValueError: It is no whole study file, or one of another format.
        """
        path = folder / FILE
        text = path.read_bytes()
        try:
            return _decode(parse_json(text.decode("utf-8"), finite=True))
        except ValueError as error:
            reason = "it is torn or no JSON" if _is_syntax(error) else str(error)
            raise ValueError(f"{path} cannot be used: {reason}") from error


def read_arithmetic(text: str | None) -> Arithmetic | None:
    """Read an arithmetic's name; None where none was recorded, torch's own for a compiled network.

    Raises:
        ValueError: There is none of that name.
    """
    if text is None:
        return None
    require_known("an arithmetic", text, (*get_args(Arithmetic), COMPILED))
    return FUSED if text == FUSED else TORCH


def describe_images(shape: DatasetShape) -> str:
    """Describe a data set's images in words."""
    return f"{shape.channels}x{shape.height}x{shape.width} in {shape.classes} classes"


def _encode(value: object) -> object:
    """Give a value that JSON has no type for as the text that is typed for it."""
    return spell(value) if isinstance(value, (Path, tuple)) else value


def _decode(document: object) -> StudyFile:
    if not isinstance(document, dict):
        raise ValueError(f"it holds a {type(document).__name__} where settings are expected")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise ValueError(f"its version is {version!r}: this program reads version {VERSION}")
    kinds, declared = kinds_of(StudyFile), options(Settings)
    earlier = {o.earlier: name for name, o in declared.items() if o.earlier}
    document = {earlier.get(str(name), str(name)): value for name, value in document.items()}
    for name in kinds.keys() - document.keys() - LATER:
        if name not in declared or not declared[name].may_lack:
            raise ValueError(f"{name!r} is missing")
    for name in document:
        if name not in kinds:
            hint = did_you_mean(name, kinds)
            accepted = f"accepted are {', '.join(kinds)}{hint and '; '}{hint}"
            raise ValueError(f"{name!r} is unknown: {accepted}")
    values = {
        name: _decode_value(name, value, kinds[name], declared.get(name))
        for name, value in document.items()
    }
    for name, value in (document.get("rerun") or {}).items():
        _require_type(name, value, get_args(ParameterValue))
    require_study_name(document["name"])
    return StudyFile(**values)


def _decode_value(
    name: str,
    value: Any,  # noqa: ANN401  # JSON
    kinds: tuple[type, ...],
    declared: Option | None,
) -> Any:  # noqa: ANN401  # the setting's own type
    """Read a value, from a text where JSON has no type for it."""
    _require_type(name, value, tuple(str if kind in (Path, tuple) else kind for kind in kinds))
    if tuple in kinds and declared is not None and declared.read is not None:
        return declared.read(value)
    return Path(value) if Path in kinds else value


def _require_type(name: str, value: Any, accepted: tuple[type, ...]) -> None:  # noqa: ANN401  # JSON
    """Check a type: JSON knows true and 1 apart, but Python does not."""
    fits = isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not fits and not (float in accepted and is_number):
        words = " or ".join("null" if kind is type(None) else kind.__name__ for kind in accepted)
        raise ValueError(f"{name} (={value!r}) must be {words}")
    if is_number and not math.isfinite(value):
        raise ValueError(f"{name} (={value!r}) must be finite")


def _is_syntax(error: BaseException) -> bool:
    return isinstance(error, (json.JSONDecodeError, UnicodeDecodeError))
