"""Picture as a file: drawn (PNG, SVG), or the numbers that it draws (CSV, Parquet)."""

import io
import textwrap
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from dashboards.elements.picture import Picture
from dashboards.elements.theme import escape
from study.results.error_messages import explain

_WIDTH, _HEIGHT = 1000, 640  # pixels
_PIXEL_DENSITY = 2  # for print
_CAPTION_LETTERS = 130  # as many fit the width in one line
_REMEDY = (
    "install one, or name it by BROWSER_PATH; csv, parquet and the page need none, and the camera "
    "above each picture of the page saves a PNG in any browser"
)


class UndrawnError(OSError):
    """Error of an image that no browser draws, such as where there is none; one sentence."""


def to_csv(picture: Picture) -> bytes:
    """Write what is drawn, with a header."""
    stream = io.BytesIO()
    pyarrow.csv.write_csv(_table(picture), stream)
    return stream.getvalue()


def to_parquet(picture: Picture) -> bytes:
    """Write what is drawn; title and caption stand in the file's own metadata."""
    stream = io.BytesIO()
    words = {"title": picture.title, "caption": picture.caption}
    pyarrow.parquet.write_table(_table(picture).replace_schema_metadata(words), stream)
    return stream.getvalue()


def to_png(picture: Picture) -> bytes:
    """Draw a picture with its title and caption, twice as fine as a screen.

    Raises:
        UndrawnError: There is no Chrome or Chromium, which draws it, or it failed.
    """
    return _image(picture, "png")


def to_svg(picture: Picture) -> bytes:
    """Draw a picture with its title and caption.

    Raises:
        UndrawnError: There is no Chrome or Chromium, which draws it, or it failed.
    """
    return _image(picture, "svg")


FORMATS: dict[str, Callable[[Picture], bytes]] = {
    "png": to_png,
    "svg": to_svg,
    "csv": to_csv,
    "parquet": to_parquet,
}
"""Writers of each kind of file, by its ending."""


def _table(picture: Picture) -> pa.Table:
    return pa.table({name: list(column) for name, column in picture.data.items()})


def _image(picture: Picture, kind: str) -> bytes:
    from kaleido.errors import ChromeNotFoundError  # half a second

    figure = picture.figure
    lines = textwrap.wrap(picture.caption, _CAPTION_LETTERS)
    figure = type(figure)(figure)  # the caller's stays without a title
    figure.update_layout(
        title={
            "text": escape(picture.title),
            "subtitle": {"text": "<br>".join(map(escape, lines))},
            "yref": "container",
            "y": 0.98,
            "yanchor": "top",
        },
        margin_t=90 + 16 * len(lines),
        height=(figure.layout.height or _HEIGHT) + 16 * len(lines),
    )
    try:
        image = figure.to_image(
            kind, width=_WIDTH, height=figure.layout.height, scale=_PIXEL_DENSITY
        )
    except Exception as error:  # Plotly, its driver of browsers and the browser have many
        is_missing = isinstance(error.__cause__ or error.__context__ or error, ChromeNotFoundError)
        failed = "neither is found" if is_missing else f"it failed ({explain(error)})"
        raise UndrawnError(
            f"a {kind} is drawn by Chrome or Chromium, and {failed}: {_REMEDY}"
        ) from error
    return bytes(image)
