"""Start page: all studies of the tracker, each in a row that opens it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from dashboards.elements.theme import Theme
from dashboards.live.address import Address
from dashboards.live.aria import aria
from dashboards.measures.duration import describe_duration
from study.results.front_table import format_metric
from study.results.mlflow.overview import StudyOverview

QUESTION = "Which studies are there, and how far is each?"

WIDTH, HEIGHT = 120, 24
"""Size of a sparkline, in pixels."""

_INK = {Theme.LIGHT: "#005a8c", Theme.DARK: "#7cc4f2"}
"""Ink of a sparkline: that of links, as a picture within a page does not know its colours."""

_HEADERS = ("study", "state", "trials", "best accuracy", "hypervolume", "when", "data", "space")


def studies_table(studies: Sequence[StudyOverview], theme: Theme, now_ms: int) -> Component:
    """Return a table of studies.

    Args:
        studies: Studies, the latest first.
        theme: Theme of the paper.
        now_ms: Time now, in milliseconds since 1970.
    """
    head = html.Thead(html.Tr([html.Th(header, scope="col") for header in _HEADERS]))
    rows = [html.Tr(_cells(study, theme, now_ms)) for study in studies]
    return html.Div(
        html.Table([head, html.Tbody(rows)], className="all-studies"),
        className="wide-table",
        tabIndex=0,
        role="region",
        **aria(label="All studies"),
    )


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
