"""Tables and folded parts of the report as HTML. All text is escaped here."""

import html
from collections.abc import Iterable
from typing import NamedTuple

from dashboards.elements.html_text import paragraph

STYLE = """
h2 { margin-top: 2.5rem; }
p, li { max-width: 50rem; }
ul { padding-left: 1.2rem; }
li { margin: 0.35rem 0; }
th, td { padding: 0.35rem 0.8rem; text-align: left; vertical-align: top; max-width: 30rem;
         white-space: normal; overflow-wrap: break-word; }
th:first-child, td:first-child { padding-left: 0; }
td span, th span { display: block; }
small { display: block; color: var(--soft); font-size: 0.82rem; min-width: 11rem; }
.absent { color: var(--soft); font-style: italic; }
.verdict { font-size: 1.1rem; font-weight: 600; }
@media (max-width: 40rem) {
  th, td { padding: 0.3rem 0.5rem; }
  th:first-child { max-width: 9rem; }
  th small { min-width: 6rem; }
}
"""
"""Style sheet of the report, beside that of every page."""

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
    """Return a cell of one line."""
    return (Line(text),)


def unbroken(text: str) -> str:
    """Return a text that stays on one line, such as a number and its interval."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def table_html(table: Table) -> str:
    """Return a table that scrolls by itself where it is too wide, and that the keyboard reaches."""
    header = "".join(
        f"<th scope='col'>{html.escape(text)}</th>" if text else "<td></td>"
        for text in table.header
    )
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


def folded(summary: str, parts: Iterable[str]) -> str:
    """Return parts of a page that a reader unfolds; nothing where there is none.

    Args:
        summary: Name of what is folded, as plain text.
        parts: The parts, as HTML.
    """
    inner = "".join(parts)
    if not inner:
        return ""
    return f"<details><summary>{html.escape(summary)}</summary>{inner}</details>"


def _lines(lines: Cell) -> str:
    return "".join(
        f"<span{_absence(line)}>{html.escape(line.text)}</span>"
        + (f"<small>{html.escape(line.note)}</small>" if line.note else "")
        for line in lines
    )


def _absence(line: Line) -> str:
    return " class='absent'" if line.text.startswith(ABSENT) else ""
