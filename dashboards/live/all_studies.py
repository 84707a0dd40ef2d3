"""Start page: all studies of the tracker, each in a row that opens it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from dashboards.elements.theme import Theme
from dashboards.live.address import STUDY_COLUMNS, Address
from dashboards.live.aria import aria
from dashboards.measures.duration import describe_duration
from study.results.front_table import format_metric
from study.results.mlflow.overview import StudyOverview

QUESTION = "Which studies are there, and how far is each?"

WIDTH, HEIGHT = 120, 24
"""Size of a sparkline, in pixels."""

_INK = {Theme.LIGHT: "#005a8c", Theme.DARK: "#7cc4f2"}
"""Ink of a sparkline: that of links, as a picture within a page does not know its colours."""

_HEADERS = dict(zip(STUDY_COLUMNS, STUDY_COLUMNS, strict=True)) | {"best": "best accuracy or mAP"}
_NUMBERS = ("trials", "best", "hypervolume", "when")
"""Columns whose largest value is looked for first."""


def studies_table(
    studies: Sequence[StudyOverview], theme: Theme, now_ms: int, address: Address
) -> Component:
    """Return a table of studies; a header sorts it, and once more the other way round.

    Args:
        studies: Studies, the latest first.
        theme: Theme of the paper.
        now_ms: Time now, in milliseconds since 1970.
        address: Address of the page, which tells the order.
    """
    head = html.Thead(html.Tr([_header(column, address) for column in _HEADERS]))
    rows = [html.Tr(_cells(study, theme, now_ms)) for study in in_order(studies, address.sort)]
    return html.Div(
        html.Table([head, html.Tbody(rows)], className="all-studies"),
        className="wide-table",
        tabIndex=0,
        role="region",
        **aria(label="All studies"),
    )


def in_order(studies: Sequence[StudyOverview], sort: str) -> list[StudyOverview]:
    """Sort studies by a column; what is not known comes last either way.

    Args:
        studies: Studies, the latest first.
        sort: Column, downwards with a minus sign; empty to leave them.
    """
    column = sort.removeprefix("-")
    if not column:
        return [*studies]
    keys = [(study, _key(study, column)) for study in studies]
    known = [(study, key) for study, key in keys if key is not None]
    known.sort(key=lambda pair: pair[1], reverse=sort != column)
    return [*(study for study, _ in known), *(study for study, key in keys if key is None)]


def sparkline(values: Sequence[float], ink: str) -> str:
    """Draw values as a line without axes, from 0 to their largest; the address of a picture.

    Args:
        values: Values in order, none below 0.
        ink: Colour.
    """
    top, last = max(values) or 1.0, max(len(values) - 1, 1)
    # A step for each pixel at most: thousands of trials are no sharper.
    step = max(1, len(values) // WIDTH)
    places = sorted({*range(0, len(values), step), len(values) - 1})
    width, height = WIDTH - 4, HEIGHT - 4
    points = " ".join(
        f"{2 + place / last * width:.1f},{2 + height * (1 - values[place] / top):.1f}"
        for place in places
    )
    end = points.rpartition(" ")[2].split(",")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="1.5"/>'
        f'<circle cx="{end[0]}" cy="{end[1]}" r="2" fill="{ink}"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


def _key(study: StudyOverview, column: str) -> Any:  # noqa: ANN401  # texts or numbers
    keys = {
        "study": study.name.casefold(),
        "state": study.state,
        "trials": study.ended,
        "best": study.best,
        "hypervolume": study.hypervolume[-1] if study.hypervolume else None,
        "when": study.ended_ms or study.started_ms,
        "data": study.dataset.casefold(),
        "space": study.space.casefold(),
    }
    return keys[column]


def _header(column: str, address: Address) -> Component:
    """Return a header that is a link to the table sorted by it."""
    orders = [column, f"-{column}"]
    if column in _NUMBERS:
        orders.reverse()
    following = orders[1] if address.sort == orders[0] else orders[0]
    link = dcc.Link(_HEADERS[column], href=str(replace(address, sort=following)))
    if address.sort not in orders:
        return html.Th(link, scope="col")
    way = "descending" if address.sort.startswith("-") else "ascending"
    return html.Th(link, scope="col", **aria(sort=way))


def _cells(study: StudyOverview, theme: Theme, now_ms: int) -> list[Component]:
    ended = "–" if study.ended is None else f"{study.ended:,}"
    trials = ended if study.asked is None else f"{ended} of {study.asked:,}"
    best = "–" if study.best is None else format_metric("val_accuracy", study.best)
    since = study.ended_ms or study.started_ms
    ago = describe_duration(max(0, now_ms - since) / 1000)
    when = f"{ago} ago" if study.ended_ms else f"began {ago} ago"
    exact = datetime.fromtimestamp(since / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return [
        html.Th(dcc.Link(study.name, href=str(Address(studies=(study.name,)))), scope="row"),
        html.Td(study.state, className=study.state),
        html.Td(trials, className="number"),
        html.Td(best, className="number"),
        html.Td(_growth(study.hypervolume, _INK[theme])),
        html.Td(when, title=exact),
        html.Td(study.dataset),
        html.Td(study.space),
    ]


def _growth(values: Sequence[float], ink: str) -> Component:
    if not values:
        return html.Span("not recorded", className="note")
    said = f"{values[0]:.3g} after the first trial, {values[-1]:.3g} after {len(values)}"
    return html.Img(src=sparkline(values, ink), alt=said, title=said, width=WIDTH, height=HEIGHT)
