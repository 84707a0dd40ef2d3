"""Image files as a viewer shows them: turned as the header says, transparent parts on white."""

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from pnn_core.data.dataset import DatasetError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
"""Formats that are read, whatever the ending of a file's name says."""

_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's pixel types of more than 8 bits, which it would clip to 255 on the way to RGB."""

_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
"""Errors that Pillow raises on an image of too many pixels; the warning where warnings are
errors."""

_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
"""Errors that Pillow raises on a damaged file, according to its format and the place of the
damage."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Change that shows an image upright, by the orientation in its header (EXIF 2.3, tag 0x0112)."""

_SIDEWAYS = (5, 6, 7, 8)
"""Orientations that exchange width and height."""


@dataclass(frozen=True, kw_only=True)
class OpenImage:
    """Image of which the header was read.

    Attributes:
        stored: Picture as it is stored.
        orientation: Orientation that its header says, from 1 to 8; 1 is as stored.
    """

    stored: ImageFile.ImageFile
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is shown."""
        width, height = self.stored.size
        return (height, width) if self.orientation in _SIDEWAYS else (width, height)

    @property
    def is_transparent(self) -> bool:
        """True if its header promises transparent parts."""
        return self.stored.has_transparency_data

    def rgb(self, at_least: tuple[int, int] | None = None) -> Image.Image:
        """Decode it to RGB, upright.

        Args:
            at_least: Width and height that are needed: a large JPEG is decoded at a half, a quarter
                or an eighth of its size. None decodes all of it.
        """
        if at_least is not None:
            sideways = self.orientation in _SIDEWAYS
            self.stored.draft(None, at_least[::-1] if sideways else at_least)
        shown = _on_white(self.stored)
        turn = _TURNS.get(self.orientation)
        return shown if turn is None else shown.transpose(turn)


@contextlib.contextmanager
def opened(path: Path | str, content: bytes | None = None) -> Iterator[OpenImage]:
    """Open an image and read its header; what the context decodes is refused as this is.

    Args:
        path: File, or words for where the content is from.
        content: Encoded image; None to read the file.

    Raises:
        DatasetError: Names the file that is damaged, too large, empty, or has pixels of more than 8
            bits.
    """
    try:
        source = path if content is None else io.BytesIO(content)
        with Image.open(source, formats=FORMATS) as image:
            _require_usable(path, image)
            yield OpenImage(stored=image, orientation=_orientation(image))
    except DatasetError:
        raise
    except _BOMBS as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise DatasetError(
            f"{path} has too many pixels to be decoded, at most {most:,} are accepted: "
            "replace it by a smaller copy"
        ) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _require_usable(path: Path | str, image: Image.Image) -> None:
    """Refuse what the header alone tells to be of no use."""
    if min(image.size) < 1:
        raise DatasetError(
            f"{path} has {image.width} x {image.height} pixels: at least 1 x 1 are needed"
        )
    if image.mode in _WIDE_MODES:
        raise DatasetError(f"{path} has pixels of more than 8 bits: 8 are accepted")


def _on_white(image: Image.Image) -> Image.Image:
    """Convert to RGB; what is transparent is laid on white, as on a page."""
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _orientation(image: ImageFile.ImageFile) -> int:
    """Read the orientation from EXIF or XMP; a header that is damaged says nothing."""
    if image.format == "PNG" and _metadata_follow_pixels(image):
        image.load()
    try:
        # The class's own: that of PNG would decode every image that has no EXIF.
        found = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except (*_DAMAGE, LookupError, TypeError, UserWarning):
        return 1
    return found if found in _TURNS else 1


def _metadata_follow_pixels(image: ImageFile.ImageFile) -> bool:
    """Return True if a PNG has EXIF or text after its pixels, by the names of its chunks alone."""
    stream = image.fp
    if stream is None:
        return False
    place, pixels_seen, found = stream.tell(), False, False
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and not found:
        length, kind = struct.unpack(">I4s", head)
        pixels_seen = pixels_seen or kind == b"IDAT"
        found = pixels_seen and kind in (b"eXIf", b"iTXt", b"tEXt", b"zTXt")
        stream.seek(length + 4, os.SEEK_CUR)
    stream.seek(place)
    return found


def _damaged(path: Path | str, error: Exception) -> DatasetError:
    if isinstance(error, UnidentifiedImageError):
        reason = f"it is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}".lower()
    else:
        # An error of the system would name the path once more.
        reason = getattr(error, "strerror", None) or str(error)
    return DatasetError(f"{path} cannot be read as an image: {reason}")
