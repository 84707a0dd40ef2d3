"""Declaration of a setting: what a dataclass field says beside its name, type and default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Flag, StrEnum, auto
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
_OPTION = "option"


class Group(StrEnum):
    """Groups of options in the help, in its order."""

    FIRST = "to begin with"
    SEARCHED = "what is searched"
    STOPPED = "what is stopped early"
    HONEST = "what makes it honest"
    PLACES = "where it goes"
    RESOURCES = "what it may use"
    INSTEAD = "instead of a study, and its output"


class OnResume(StrEnum):
    """Rules for a setting that is typed beside `--resume`."""

    KEPT = auto()
    """Stays as the study was started."""

    GROWS = auto()
    """Stays or becomes larger."""

    ADDED = auto()
    """Is added to what was typed before."""

    WITH_CONFIRM = auto()
    """May be another one until a confirmation is asked for, and stays then."""

    FREE = auto()
    """May be another one in each life of the study."""

    NOT_STORED = auto()
    """Belongs to a command, not to a study."""


class OnRerun(StrEnum):
    """Sources of a setting where one trial is run again; `CHOSEN` alone may be typed."""

    CHOSEN = auto()
    OF_STUDY = auto()
    OF_TRIAL = auto()
    DEFAULT = auto()


class Shown(Flag):
    """Places in MLflow's run of a study: parameters never change, tags may."""

    NOWHERE = 0
    PARAMETER = auto()
    TAG = auto()


OF_STUDY, OF_TRIAL = OnRerun.OF_STUDY, OnRerun.OF_TRIAL
PARAMETER, TAG = Shown.PARAMETER, Shown.TAG


@dataclass(frozen=True, kw_only=True)
class Option:
    """Declaration of one field.

    Attributes:
        group: Group in the help.
        help: Explanation in the help.
        metavar: Stands for the value in the help; None for a switch.
        read: Reads a typed text, with a ValueError in one sentence; None to follow the type.
        alone: Value of a flag that is typed without one; None where it must have one.
        joined: Text between the values of a flag that is typed several times; None for a flag of
            which the last one counts.
        least: Smallest number accepted; None where it is no number.
        most: Largest number accepted; None for any.
        after: Name of the option after which the help lists this one; None for the order of fields.
        on_resume: Rule beside `--resume`.
        on_rerun: Source beside `--rerun`.
        shown: Places in MLflow.
        may_lack: True if studies began before there was this setting: its default stands for it.
        secret: True for the URL of a place, which may hold a password.
        variable: Environment variable that gives the default; None for none.
        earlier: Name that it had in earlier versions, under which it can still be typed; empty for
            none.
    """

    group: Group
    help: str
    metavar: str | None = None
    read: Callable[[str], Any] | None = None
    alone: str | None = None
    joined: str | None = None
    least: int | None = None
    most: int | None = None
    after: str | None = None
    on_resume: OnResume = OnResume.KEPT
    on_rerun: OnRerun = OnRerun.CHOSEN
    shown: Shown = Shown.NOWHERE
    may_lack: bool = False
    secret: bool = False
    variable: str | None = None
    earlier: str = ""


def option(default: T, **declared: Any) -> T:  # noqa: ANN401  # fields of an Option
    """Declare a field of a dataclass as an option.

    Args:
        default: Value where nothing is typed.
        declared: Fields of an `Option`.
    """
    return field(default=default, metadata={_OPTION: Option(**declared)})


def options(kind: type) -> dict[str, Option]:
    """Return the options that a dataclass declares or inherits, by name, in the help's order."""
    declared = {f.name: f.metadata[_OPTION] for f in fields(kind) if _OPTION in f.metadata}
    names = [name for name, o in declared.items() if o.after is None]
    for name, o in declared.items():
        if o.after is not None:
            names.insert(names.index(o.after) + 1, name)
    order = list(Group)
    return {
        n: declared[n] for n in sorted(names, key=lambda name: order.index(declared[name].group))
    }


def flag_of(name: str) -> str:
    """Return the flag that an option is typed with."""
    return "--" + name.replace("_", "-")


def values_of(kind: type, source: object) -> dict[str, Any]:
    """Return the options of a dataclass with the values that an object has for them."""
    return {name: getattr(source, name) for name in options(kind)}


def kinds_of(kind: type) -> Mapping[str, tuple[type, ...]]:
    """Return the types that each field of a dataclass accepts, without their parameters."""
    hints = get_type_hints(kind)
    return {
        f.name: tuple(get_origin(k) or k for k in (_members(hints[f.name]))) for f in fields(kind)
    }


def spell(value: object) -> str:
    """Spell a setting as it is typed."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _members(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401  # any annotation
    is_union = get_origin(hint) not in (tuple, dict, list) and get_args(hint)
    return get_args(hint) if is_union else (hint,)
