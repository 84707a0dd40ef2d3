"""Annotations in PASCAL VOC's form: XML files that say which objects an image shows."""

import math
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from pnn_core.data.dataset import DatasetError

LARGEST_BYTES = 4 * 2**20
"""Size from which a file is refused: some ten thousand objects."""

_DEEPEST = 32
"""Elements within each other from which a file is refused; VOC has five."""

_CORNERS = ("xmin", "ymin", "xmax", "ymax")

_OBJECT = ("annotation", "object")


@dataclass(frozen=True, kw_only=True, slots=True)
class VocObject:
    """An object as its annotation has it.

    Attributes:
        name: Name of its class.
        box: First and last pixel it covers, xmin, ymin, xmax and ymax, counted from 1.
        difficult: True if evaluation ignores it.
    """

    name: str
    box: tuple[float, float, float, float]
    difficult: bool

    @property
    def has_area(self) -> bool:
        """False for boxes whose last pixel is not beyond their first, which are not used."""
        left, top, right, bottom = self.box
        return right > left and bottom > top


@dataclass(frozen=True, kw_only=True, slots=True)
class VocAnnotation:
    """Annotation of an image.

    Attributes:
        size: Width and height that it says the image has; None where it says none, or zero.
        objects: Objects in the order of the file.
    """

    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]


def read_annotation(path: Path) -> VocAnnotation:
    """Read an annotation.

    A document type, which could define entities that expand without end or name other files, is
    refused, and so is a file of more than 4 MiB: what is read takes no more memory than that.

    Raises:
        DatasetError: The file is missing, too large, no XML, or no annotation; names what of it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_BYTES:
        raise DatasetError(
            f"{path} has more than {LARGEST_BYTES // 2**20} MiB: an annotation has some kB"
        )
    return _Reader(path).read(content)


class _Reader:
    """Handlers of expat's events, and what they have found."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._within: list[str] = []
        self._text: list[str] = []
        self._object: dict[str, str] = {}
        self._size: dict[str, str] = {}
        self._objects: list[VocObject] = []

    def read(self, content: bytes) -> VocAnnotation:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse_document_type
        try:
            parser.Parse(content, True)
        except DatasetError:
            raise
        # Beside its own error, those of decoding what it does not decode itself.
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise self._error(f"cannot be read as XML: {error}") from error
        return VocAnnotation(size=self._stated_size(), objects=tuple(self._objects))

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if not self._within and name != "annotation":
            raise self._error(f"holds <{name[:40]}>: accepted is <annotation>")
        if len(self._within) == _DEEPEST:
            raise self._error(f"has more than {_DEEPEST} elements within each other")
        self._within.append(name)
        self._text.clear()

    def _end(self, name: str) -> None:
        within, value = tuple(self._within), "".join(self._text).strip()
        self._within.pop()
        self._text.clear()
        if within == _OBJECT:
            self._objects.append(self._finished_object())
            self._object = {}
        elif within[:-1] == (*_OBJECT, "bndbox") or within[:-1] == _OBJECT:
            self._object[name] = value
        elif within[:-1] == ("annotation", "size"):
            self._size[name] = value

    def _finished_object(self) -> VocObject:
        number, found = len(self._objects) + 1, self._object
        if not found.get("name"):
            raise self._error(f"has no <name> in its object {number}")
        difficult = found.get("difficult", "0")
        if difficult not in ("0", "1"):
            raise self._error(
                f"has <difficult>{difficult[:40]}</difficult> in its object {number}: accepted are "
                "0 and 1"
            )
        left, top, right, bottom = (self._number(corner, found) for corner in _CORNERS)
        return VocObject(
            name=found["name"], box=(left, top, right, bottom), difficult=difficult == "1"
        )

    def _number(self, tag: str, found: dict[str, str]) -> float:
        try:
            value = float(found.get(tag, ""))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._error(
                f"has <{tag}>{found.get(tag, '')[:40]}</{tag}> in its object "
                f"{len(self._objects) + 1}: accepted is a number"
            )
        return value

    def _stated_size(self) -> tuple[int, int] | None:
        stated = tuple(self._size.get(name, "0") for name in ("width", "height"))
        if not all(value.isascii() and value.isdigit() and len(value) < 10 for value in stated):
            raise self._error(
                f"says a size of {stated[0][:40]} x {stated[1][:40]}: accepted are whole numbers"
            )
        width, height = map(int, stated)
        return (width, height) if width and height else None

    def _refuse_document_type(self, *_declared: object) -> None:
        raise self._error("declares a document type (<!DOCTYPE): take that line out")

    def _error(self, text: str) -> DatasetError:
        return DatasetError(f"{self._path} {text}")
