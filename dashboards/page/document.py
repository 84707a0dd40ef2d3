"""The HTML file around an exported page. All text is escaped here."""

import html
import json
from collections.abc import Iterable, Sequence
from importlib import resources

from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from dashboards.elements.html_text import caption_html, heading, page_frame, paragraph
from dashboards.elements.picture import Cell, Picture
from dashboards.elements.theme import Theme, template
from dashboards.page.thinning import MOST_POINTS, thin
from dashboards.plotly_config import PLOTLY_CONFIG
from dashboards.view_tables import ViewTable


def document(title: str, body: Iterable[str], *, style: str = "") -> str:
    """Return a whole page that needs no network.

    Args:
        title: Plain text.
        body: HTML.
        style: Style sheet of this page alone.
    """
    themes = {theme.value: template(theme).to_plotly_json() for theme in Theme}
    return page_frame(
        title,
        style=_asset("page.css") + style,
        body=body,
        scripts=(
            f"<script>{get_plotlyjs()}</script>",
            _json("templates", json.dumps(themes)),
            _json("config", json.dumps(PLOTLY_CONFIG)),
            f"<script>{_asset('page.js')}</script>",
        ),
    )


def links(named: Iterable[tuple[str, str]]) -> str:
    """Links within the page: anchor and text."""
    return "<nav aria-label='Views'>{}</nav>".format(
        "".join(f"<a href='#{html.escape(a)}'>{html.escape(text)}</a>" for a, text in named)
    )


def picture_html(picture: Picture, view: str) -> str:
    """Return a picture that the page's script draws, with its words.

    Args:
        picture: Picture of the view.
        view: Its name: a picture may stand in two of them.
    """
    name = html.escape(f"{view}-{picture.name}")
    if picture.instead:
        said = f"{heading(3, picture.title)}{paragraph(picture.instead, 'instead')}"
        return f"<section id='{name}'>{said}</section>"
    height = picture.figure.layout.height or 540
    figure, points = thin(picture.figure)
    sentences = picture.sentences
    if points:
        sentences = (*sentences, f"{MOST_POINTS:,} of {points:,} points are drawn here.")
    return (
        f"<figure><figcaption><h3>{html.escape(picture.title)}</h3>"
        f"{caption_html(sentences)}</figcaption>"
        f"<div class='picture' id='{name}' role='group' style='height:{height}px' "
        f"aria-label='{html.escape(picture.description)}'></div>"
        f"{_json(f'{name}-data', _without_template(figure))}</figure>"
    )


def table_html(table: ViewTable) -> str:
    """Return a table that sorts, copies, and scrolls by itself where it is too wide."""
    name, title = f"{table.key}-table", table.title
    heads = "".join(
        f"<th scope='col' data-value='{html.escape(text)}'>"
        f"<button type='button'>{html.escape(text)}</button></th>"
        for text in table.headers.values()
    )
    body = "".join(f"<tr>{_cells(table, row)}</tr>" for row in table.rows)
    return (
        f"{heading(3, title)}<button class='copy' type='button' data-table='{html.escape(name)}'>"
        "Copy as CSV</button>"
        f"<div class='table' role='region' aria-label='{html.escape(title)}' tabindex='0'>"
        f"<table class='sortable' id='{html.escape(name)}'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(table: ViewTable, row: Sequence[Cell]) -> str:
    return "".join(
        f"<td data-value='{html.escape('' if value is None else str(value))}'>"
        f"{html.escape(table.text(name, value))}</td>"
        for name, value in zip(table.headers, row, strict=True)
    )


def _without_template(shown: Figure) -> str:
    """A figure as JSON; the page brings the template of the reader's theme."""
    figure = Figure(shown)
    figure.layout.template = None
    return str(figure.to_json())


def _json(name: str, text: str) -> str:
    """Data for the script; no text in it can end the element."""
    safe = text.replace("<", "\\u003c")
    return f"<script type='application/json' id='{html.escape(name)}'>{safe}</script>"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
