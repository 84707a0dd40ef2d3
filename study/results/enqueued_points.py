"""Points that a study tries first, as they are typed and kept: `mask_count=32,fan_out=2;…`."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pnn_core.config import PARAMETER_NAMES
from pnn_core.config.checks import require_known
from search_spaces.setting_names import CHOSEN_ELSEWHERE, VARIANT

PAPER_POINT = "paper"
"""Word for the settings with which the paper reports its best figure."""

_BETWEEN_POINTS, _BETWEEN_SETTINGS = ";", ","
_TRIAL = "trial"
"""Column of tables that this project writes, whose other columns may be figures."""

TypedPoint = Mapping[str, str]
"""Settings as they are typed, by name."""


def read_enqueued(text: str) -> str:
    """Read points, and return them as they are kept; a file is read now, and need not last.

    Args:
        text: Points separated by semicolons, each either settings, a file or `paper`.

    Raises:
        ValueError: One is none of these, or the file cannot be read.
    """
    points = [point for part in text.split(_BETWEEN_POINTS) for point in _read(part.strip())]
    return _BETWEEN_POINTS.join(points)


def read_prior(text: str) -> str:
    """Read settings that are believed to be good, and return them as they are kept.

    Raises:
        ValueError: They are no settings.
    """
    return spell_point(dict(_settings(text)))


def typed_points(text: str | None) -> tuple[TypedPoint, ...]:
    """Return points as they are kept, settings by name; `paper` stands under its own name."""
    parts = text.split(_BETWEEN_POINTS) if text else []
    return tuple(
        {PAPER_POINT: ""} if part == PAPER_POINT else dict(_settings(part)) for part in parts
    )


def spell_point(point: Mapping[str, object]) -> str:
    """Spell a point as it is typed.

    Raises:
        ValueError: A value holds a character that stands between settings.
    """
    for name, value in point.items():
        if any(mark in str(value) for mark in (_BETWEEN_POINTS, _BETWEEN_SETTINGS, "=")):
            raise ValueError(f"{name} (={value!r}) cannot stand in a point: it holds a , ; or =")
    return _BETWEEN_SETTINGS.join(f"{name}={value}" for name, value in point.items())


def spell_points(points: Iterable[Mapping[str, object]]) -> str | None:
    """Spell points as they are kept; None where there is none."""
    return _BETWEEN_POINTS.join(map(spell_point, points)) or None


def _read(part: str) -> Iterator[str]:
    if part == PAPER_POINT:
        yield part
    elif part.endswith(".csv") and "=" not in part:
        yield from map(spell_point, _rows(Path(part)))
    else:
        others = f", a .csv file with a column for each setting, or {PAPER_POINT}"
        yield spell_point(dict(_settings(part, others)))


def _settings(part: str, others: str = "") -> Iterator[tuple[str, str]]:
    seen = set()
    for pair in part.split(_BETWEEN_SETTINGS):
        name, equals, value = (text.strip() for text in pair.partition("="))
        if not (name and equals and value):
            raise ValueError(
                f"{part!r} must be settings such as mask_count=32,noise_level=0.1{others}"
            )
        if name in seen:
            raise ValueError(f"{part!r} names {name} twice")
        seen.add(name)
        yield name, value


def _rows(path: Path) -> list[TypedPoint]:
    """Read the settings of each row of a table; an empty cell leaves a setting out."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            rows = [*table]
            columns = table.fieldnames or []
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(f"{path} is no table of text in UTF-8") from None
    known = (*PARAMETER_NAMES, VARIANT, _TRIAL)
    if _TRIAL not in columns:
        for name in columns:
            require_known("a setting", name, known)
    points: list[TypedPoint] = [
        {
            name: value
            for name, value in row.items()
            if name in known and name not in (_TRIAL, *CHOSEN_ELSEWHERE) and value
        }
        for row in rows
    ]
    if any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path} has a row with another number of cells than its header")
    if not points or not all(points):
        raise ValueError(f"{path} must hold a row for each point, under the names of settings")
    return points
