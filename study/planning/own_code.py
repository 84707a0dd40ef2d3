"""Code of one's own in a study: found when it begins, kept in its folder, found again later."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pnn_core.config.checks import require_known
from pnn_core.data.own_dataset import add_dataset
from pnn_core.data.registry import DATASETS
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.own_code import Kind, OwnCode, find_code, recorded_name
from pnn_core.parts.own_parts import add_part
from study.command_line import blaming
from study.planning.arguments import OPTIONS, Arguments
from study.planning.study_file import FILE, StudyFile
from study.planning.study_folder import OWN_FILES, STUDIES
from study.results.confirmed_choice import CONFIRMABLE, NONE
from study.results.objective import Objective
from study.results.setting import flag_of
from study.results.study_info import StudyInfo
from study.results.whole_file import write_whole
from study.search.own_sampler import add_sampler
from study.search.sampler import SAMPLER_NAMES

_KNOWN: dict[str, Collection[str]] = {
    "dataset": DATASETS,
    "network": frozenset(NETWORKS),
    "layer_file": (),
    "sampler": SAMPLER_NAMES,
}
"""Names that stand for something already, by option: nothing of one's own is looked for."""

_PARTS = (Kind.NETWORK, Kind.LAYER)
"""Kinds of code that networks are built from."""

_NAMED_BY_TRIALS = (*_PARTS, Kind.WEIGHTS)
"""Kinds that a trial's settings name, if it has them."""


def with_own_code(arguments: Arguments) -> Arguments:
    """Find the code of one's own that options name, and make it known under its recorded names.

    Args:
        arguments: Options as typed; names that stand for nothing of one's own stay as they are.

    Raises:
        BadInputError: A file is absent, raises, or is not as its kind must be, or two have one
            name.
    """
    found: list[OwnCode] = []
    names: dict[str, Any] = {}
    for option, known in _KNOWN.items():
        kind, text = OPTIONS[option], getattr(arguments, option)
        is_file = text is not None and text.partition(":")[0].endswith(".py")
        if text is None or (text in known and not is_file):
            continue
        with blaming(flag_of(option), text):
            code = find_code(kind, text)
            if code is None and kind is Kind.LAYER:
                raise ValueError(
                    f"is no .py file with LAYER, and no installed package offers {kind.group} of "
                    "that name"
                )
            if code is not None:
                _require_own_name(code, found)
                found.append(_checked(code))
                names[option] = code.name
    objectives = []
    for objective in arguments.objectives:
        if objective.is_own:
            with blaming("--objectives", objective):
                code = _objective_code(objective)
                _require_own_name(code, found)
                found.append(code)
        objectives.append(replace(objective, source=""))
    names["objectives"] = tuple(objectives)
    return with_own_controls(replace(arguments, own=tuple(found), **names))


def with_own_controls(arguments: Arguments) -> Arguments:
    """Find layers of one's own among the controls, and make them known.

    Args:
        arguments: Options as typed, with the other code of one's own; a layer among it is a control
            by its name alone.

    Raises:
        BadInputError: A control is no layer, its file is absent, raises or is not as it must be, or
            two files have one name.
    """
    own, names = [*arguments.own], list[str]()
    for text in arguments.controls.split(",") if arguments.controls else ():
        with blaming("--controls", arguments.controls):
            code = _own_control(text, own)
            if code is not None and code not in own:
                _require_own_name(code, own)
                own.append(code)
        names.append(text if code is None else code.name)
    return replace(arguments, own=tuple(own), controls=",".join(dict.fromkeys(names)) or None)


def _own_control(text: str, own: Sequence[OwnCode]) -> OwnCode | None:
    """Return the layer of one's own that a control names; None for a built-in one, or for none."""
    if text in (*CONFIRMABLE, NONE):
        return None
    layers = {code.name: code for code in own if code.kind is Kind.LAYER}
    known = layers.get(recorded_name(Kind.LAYER, text))
    if known is not None and (text == known.name or Path(text).absolute() == Path(known.path)):
        return known
    code = find_code(Kind.LAYER, text)
    if code is None:
        require_known("a control", text, (*CONFIRMABLE, *layers, NONE))
        raise AssertionError(text)
    return _checked(code)


def _objective_code(objective: Objective) -> OwnCode:
    typed = f"{objective.source}:{objective.name}" if objective.source else objective.name
    code = find_code(Kind.OBJECTIVE, typed)
    if code is None:
        raise ValueError(
            f"no installed package offers {Kind.OBJECTIVE.group} of the name {objective.name}: "
            "name a file's function, as in FILE.py:NAME:minimize"
        )
    return _added(code)


def code_of_weights(name: str, path: Path) -> OwnCode:
    """Describe a file of weights to begin with, which goes with a study as code does.

    Args:
        name: Name to tell it by; the digest is added to it, so that settings name one file.
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return OwnCode(
        kind=Kind.WEIGHTS,
        name=f"{name}@{digest[:12]}",
        path=str(path.absolute()),
        source=content,
        digest=digest,
    )


def add_code(code: OwnCode) -> None:
    """Make code of one's own known in this process.

    Raises:
        ValueError: It is not as its kind must be.
    """
    match code.kind:
        case Kind.DATASET:
            add_dataset(code)
        case Kind.SAMPLER:
            add_sampler(code)
        case _:
            add_part(code)


def lasting_name(option: str, text: object, own: Sequence[OwnCode]) -> object:
    """Return the recorded name of a file that a study has already; of another file, its path."""
    kind = OPTIONS.get(option)
    if kind is None or not isinstance(text, str) or ".py" not in text:
        return text
    path = Path(text.rpartition(".py")[0] + ".py").absolute()
    if any(code.kind is kind and Path(code.path) == path for code in own):
        return recorded_name(kind, text)
    return str(path)


def stored_code(stored: StudyFile) -> tuple[OwnCode, ...]:
    """Read which code of one's own a study has, without its text.

    Raises:
        ValueError: The file of the study is malformed there.
    """
    return tuple(map(OwnCode.of_record, stored.own))


def restored_code(stored: StudyFile, folder: Path) -> tuple[OwnCode, ...]:
    """Find a study's own code again, as it was, and make it known.

    Args:
        stored: File of the study.
        folder: Folder of the study, which has a copy; a lost one may be found where it came from.

    Raises:
        ValueError: It is not to be found as it was.
    """
    return tuple(
        _added(code.with_text_from((folder / OWN_FILES / code.file_name, Path(code.path))))
        for code in stored_code(stored)
    )


def code_again(info: StudyInfo, parts: Collection[object]) -> tuple[OwnCode, ...]:
    """Find the code of a study whose trial is run again, and make it known.

    Args:
        info: Study; its folder has the files if it is here, else they are looked for in the current
            folder.
        parts: Names of the trial's network, layer and initial weights, among others.

    Raises:
        ValueError: They are not to be found as they were.
    """
    wanted = [
        code
        for code in info.own
        if code.kind is not Kind.SAMPLER
        and (code.kind not in _NAMED_BY_TRIALS or code.name in parts)
    ]
    folder = STUDIES / info.name
    paths: dict[str, str] = {}
    if wanted and (folder / FILE).is_file():
        stored = StudyFile.read(folder)
        if stored.study_id == info.study_id:
            paths = {code.name: code.path for code in stored_code(stored)}
    return tuple(
        _added(
            replace(code, path=paths.get(code.name, code.path)).with_text_from(
                (folder / OWN_FILES / code.file_name, Path(code.file_name))
            )
        )
        for code in wanted
    )


def parts_again(info: StudyInfo, parts: Collection[object]) -> tuple[OwnCode, ...]:
    """Find what a network of a study is built from and make it known, to read it.

    Libraries are not looked for: whether a trained network fits one is seen when it is loaded.

    Args:
        info: Study.
        parts: Names of the network and of its layer, among others.

    Raises:
        ValueError: It is not to be found as it was.
    """
    own = (code for code in info.own if code.kind in _PARTS and not code.is_library_network)
    return code_again(replace(info, own=tuple(own)), parts)


def changed_files(own: Sequence[OwnCode], folder: Path) -> tuple[str, ...]:
    """Tell of files that are others than a study's copies by now, a sentence each."""
    return tuple(
        f"{code.path} has changed since the study began, which goes on with its own copy, "
        f"{folder / OWN_FILES / code.file_name}"
        for code in own
        if code.path and Path(code.path).is_file() and Path(code.path).read_bytes() != code.source
    )


def write_copies(own: Sequence[OwnCode], output: Path) -> None:
    """Copy files of one's own into a study's folder.

    Raises:
        OSError: They cannot be written.
    """
    for code in own:
        if code.path:
            (output / OWN_FILES).mkdir(exist_ok=True)
            write_whole(output / OWN_FILES / code.file_name, code.source)


def with_images(own: Sequence[OwnCode], digest: str) -> tuple[OwnCode, ...]:
    """Record which images a data set of one's own gave.

    Raises:
        ValueError: They are others than those that the study began with.
    """
    for code in own:
        if code.kind is Kind.DATASET and code.images not in ("", digest):
            raise ValueError(
                f"gives other images to learn from than when the study began (SHA-256 "
                f"{digest[:12]}… and not {code.images[:12]}…): bring those back, or start a new "
                "study"
            )
    return tuple(
        replace(code, images=digest) if code.kind is Kind.DATASET else code for code in own
    )


def _added(code: OwnCode) -> OwnCode:
    add_code(code)
    return code


def _checked(code: OwnCode) -> OwnCode:
    """Make new code known; a layer must give what it says."""
    add_code(code)
    if code.kind is Kind.LAYER:
        from pnn_core.models.own_layer import require_layer  # imports torch

        require_layer(code.name)
    return code


def _require_own_name(code: OwnCode, own: Sequence[OwnCode]) -> None:
    """Refuse a second file of one name: the study's folder has room for one."""
    for other in own:
        if code.path and other.file_name == code.file_name and other.path != code.path:
            raise ValueError(f"another file of that name is used, too ({other.path}): rename one")
