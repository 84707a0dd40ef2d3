"""The report's HTML: tables, pictures and the frame around them. All text is escaped here."""

import html
from collections.abc import Iterable
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements.html_text import page_frame, paragraph
from dashboards.elements.picture import PictureInfo
from dashboards.plotly_config import PLOTLY_CONFIG

_STYLE = """
body { font-family: system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 75rem;
       color: #222; background: #fff; line-height: 1.45; }
h1 { font-size: 1.5rem; margin: 0 0 0.5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; border-top: 2px solid #222;
     padding-top: 0.6rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 0.3rem; }
h1, h2, h3, p, li { overflow-wrap: anywhere; }
p, li { max-width: 50rem; }
p { margin: 0.3rem 0 0.7rem; }
ul { padding-left: 1.2rem; }
li { margin: 0.35rem 0; }
figure { margin: 0; }
.table { overflow-x: auto; }
.table:focus-visible { outline: 2px solid #0072b2; outline-offset: 2px; }
table { border-collapse: collapse; margin: 0.8rem 0; font-variant-numeric: tabular-nums;
        font-size: 0.92rem; }
th, td { padding: 0.35rem 0.8rem; text-align: left; border-bottom: 1px solid #ddd;
         font-weight: normal; vertical-align: top; max-width: 30rem; overflow-wrap: break-word; }
th:first-child, td:first-child { padding-left: 0; }
thead th { font-weight: 600; }
td span, th span { display: block; }
small { display: block; color: #555; font-size: 0.82rem; min-width: 11rem; }
.absent { color: #595959; font-style: italic; }
@media (max-width: 40rem) {
  th, td { padding: 0.3rem 0.5rem; }
  th:first-child { max-width: 9rem; }
  th small { min-width: 6rem; }
}
"""

ABSENT = "not run"


class Line(NamedTuple):
    """One line of a cell.

    Attributes:
        text: Text of the line.
        note: Beneath it, in small print.
    """

    text: str
    note: str = ""


Cell = tuple[Line, ...]


class Table(NamedTuple):
    """A table of plain texts.

    Attributes:
        title: Title, as plain text.
        caption: Data of the table, and how to read it.
        header: One text a column.
        rows: Rows of as many cells; the first one names the row.
    """

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def cell(text: str) -> Cell:
    """A cell of one line."""
    return (Line(text),)


def unbroken(text: str) -> str:
    """A text that stays on one line, such as a number and its interval."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def document(title: str, body: Iterable[str]) -> str:
    """Return a whole page that needs no network.

    Args:
        title: Title, as plain text.
        body: Parts of the page, as HTML.
    """
    return page_frame(title, style=_STYLE, body=body)


def table_html(table: Table) -> str:
    """A table that scrolls by itself where it is too wide, and that the keyboard reaches."""
    header = "".join(f"<th scope='col'>{html.escape(text)}</th>" for text in table.header)
    rows = "".join(
        f"<tr><th scope='row'>{_lines(first)}</th>"
        + "".join(f"<td>{_lines(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in table.rows
    )
    title = html.escape(table.title)
    # Title and caption stand outside: inside they would be as wide as the table on a phone.
    return (
        f"<h3>{title}</h3>{paragraph(table.caption)}"
        f"<div class='table' role='region' aria-label='{title}' tabindex='0'>"
        f"<table aria-label='{title}'>"
        f"<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def picture(figure: go.Figure, info: PictureInfo, *, with_library: bool) -> str:
    """A figure with its title and caption as text, whose lines break on a phone.

    Args:
        figure: Without a title.
        info: Words of the picture.
        with_library: True to bring Plotly along: the first picture of a page does.
    """
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=with_library,
        default_height="clamp(420px, 45vw, 520px)",
        config=PLOTLY_CONFIG,
    )
    return (
        f"<figure><figcaption><h3>{html.escape(info.title)}</h3><p>{html.escape(info.caption)}</p>"
        f"</figcaption><div role='group' aria-label='{html.escape(info.description)}'>{drawn}</div>"
        "</figure>"
    )


def _lines(lines: Cell) -> str:
    return "".join(
        f"<span{_absence(line)}>{html.escape(line.text)}</span>"
        + (f"<small>{html.escape(line.note)}</small>" if line.note else "")
        for line in lines
    )


def _absence(line: Line) -> str:
    return " class='absent'" if line.text.startswith(ABSENT) else ""
