"""Layout of every page: title, study, views, theme, and places of the rest."""

from collections.abc import Sequence
from dataclasses import replace

from dash import dcc, html
from dash.development.base_component import Component

from dashboards.live.address import ALL_STUDIES, Address
from dashboards.live.aria import aria
from dashboards.view_options import ViewOptions
from dashboards.views import VIEWS

REFRESH_SECONDS = 2.0
"""Seconds after which a page asks whether anything is new."""

WAITING_SECONDS = 0.5
"""Seconds between questions while there is nothing to show yet."""

_PARTS = ("choices", "state", "act", "pictures", "below")
"""Parts of the page beside the opened trial, from above."""

NO_STUDY = "python -m study.run --space noise_masks"
"""Command that a newcomer types first."""


def skeleton() -> Component:
    """The page before anything is known."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Interval(id="clock", interval=round(1000 * REFRESH_SECONDS)),
            dcc.Store(id="theme", storage_type="local"),
            dcc.Store(id="drawn"),
            dcc.Store(id="brushed"),
            html.A("To the pictures", href="#content", className="skip"),
            html.Header(
                [
                    html.H1("PNN studies", className="unseen"),
                    html.Div(id="studies"),
                    html.Button("Theme", id="switch-theme", type="button"),
                ]
            ),
            html.Nav(id="views", **aria(label="Views")),
            html.Div(
                [
                    html.Main(
                        [html.Div(id=part) for part in _PARTS],
                        id="content",
                        tabIndex=-1,
                    ),
                    html.Div(
                        [html.Div(id="panel", **aria(live="polite")), html.Div(id="trial-act")],
                        className="side",
                    ),
                ],
                className="columns",
            ),
            html.Footer(id="footer"),
            # Unseen, it has the browser read Plotly's five megabytes while the study is read.
            html.Div(dcc.Graph(), hidden=True),
        ]
    )


def study_choice(names: Sequence[str], address: Address) -> Component:
    """Choice of the study looked at and, in the comparison, of those beside it."""
    chosen = address.studies[0] if address.studies else None
    # A choice drops what is not among its options: a page that is opened while the tracker is still
    # asked for its studies would lose those that its address names.
    names = [*dict.fromkeys((*names, *address.studies))]
    boxes = [
        html.Label(
            [
                html.Span("Study"),
                dcc.Dropdown(
                    id={"choice": "study"},
                    options=[*names],
                    value=chosen,
                    clearable=False,
                    placeholder="choose a study" if names else "none yet",
                ),
            ]
        )
    ]
    if address.view in ("compare", "progress"):
        boxes.append(
            html.Label(
                [
                    html.Span("beside"),
                    dcc.Dropdown(
                        id={"choice": "beside"},
                        options=[name for name in names if name != chosen],
                        value=[*address.studies[1:]],
                        multi=True,
                        placeholder="other studies",
                    ),
                ]
            )
        )
    return html.Div(boxes, className="studies")


def view_links(address: Address) -> list[Component]:
    """Return a link for each view; choices of axes stay behind, the brush comes along."""
    kept = ViewOptions(within=address.options.within, where=address.options.where)
    titles = {ALL_STUDIES: "All studies"} | {name: view.title for name, view in VIEWS.items()}
    return [
        dcc.Link(
            title,
            href=str(replace(address, view=name, options=kept, sort="")),
            className="current" if name == address.view else "",
        )
        for name, title in titles.items()
    ]
