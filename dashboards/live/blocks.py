"""Pieces of the page: pictures, tables, messages and commands."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from dash import dcc, html
from dash.development.base_component import Component
from dash_ag_grid import AgGrid

from dashboards.elements.picture import Picture
from dashboards.elements.theme import Theme, template
from dashboards.live.address import Address
from dashboards.live.aria import aria
from dashboards.picture_file import FORMATS
from dashboards.plotly_config import PLOTLY_CONFIG
from dashboards.view_tables import ViewTable

_BRUSHABLE = PLOTLY_CONFIG | {"modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}

_COLUMN = {"sortable": True, "resizable": True, "wrapHeaderText": True}

_MOST_ROWS = 20
"""Number of rows that a table shows all at once; more are scrolled."""

_ONE_ROW = {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}
"""Selection of rows, in the grid's words."""


def _numeric(shown: str) -> dict[str, Any]:
    """Return a column of numbers: so many digits are read, all of them are sorted and copied."""
    formatter = f"params.value == null ? '–' : d3.format('{shown}')(params.value)"
    return {"type": "rightAligned", "valueFormatter": {"function": formatter}}


def picture_block(picture: Picture, address: Address, theme: Theme) -> Component:
    """Return a picture with its title, its caption and the files that hold it."""
    if picture.instead:
        return html.Section(
            [html.H2(picture.title), html.P(picture.instead, className="instead")],
            key=picture.name,
        )
    # Zoom and pan stay while the same axes are drawn, whichever trials are opened or brushed.
    axes = replace(address, trial=None, options=replace(address.options, within=(), where=""))
    figure = picture.figure.update_layout(template=template(theme), uirevision=str(axes))
    config = _BRUSHABLE if picture.brushes else PLOTLY_CONFIG
    if picture.brushes:
        figure.update_layout(dragmode="select")
    return html.Figure(
        [
            html.Figcaption([html.H2(picture.title), *caption(picture.sentences)]),
            html.Div(
                dcc.Graph(
                    id=_graph_id(picture),
                    figure=figure,
                    config=cast("dcc.Graph.Config", config),
                    responsive=True,
                    style={"height": f"{figure.layout.height or 520}px"},
                ),
                role="group",
                **aria(label=picture.description),
            ),
            html.P(["Download: ", *_downloads(picture, address)], className="downloads"),
        ],
        key=picture.name,
    )


def caption(sentences: Sequence[str]) -> list[Component]:
    """Return a caption: its first sentence, and the rest to unfold."""
    first, *rest = sentences or ("",)
    more = [html.Details([html.Summary("How to read it"), html.P(" ".join(rest))])]
    return [html.P(first), *(more if rest else [])]


def table_block(table: ViewTable) -> Component:
    """Return a table that can be sorted, filtered and copied; a row of trials opens its trial."""
    definitions: list[dict[str, Any]] = [
        {"field": name, "headerName": header, **_format(table.columns[name])}
        for name, header in table.headers.items()
    ]
    rows = table.rows
    of_trials = "trial" in table.headers
    is_short = len(rows) <= _MOST_ROWS
    return html.Section(
        [
            html.Div(
                [
                    html.H2(table.title),
                    dcc.Clipboard(
                        content=_csv(table),
                        title="Copy as CSV",
                        className="copy",
                    ),
                    html.Span("copy as CSV", className="note"),
                ],
                className="table-title",
            ),
            AgGrid(
                id={"table": table.key},
                rowData=[dict(zip(table.headers, row, strict=True)) for row in rows],
                columnDefs=definitions,
                defaultColDef={
                    "sortable": True,
                    "filter": True,
                    "resizable": True,
                    "wrapHeaderText": True,
                },
                columnSize="autoSize",
                style={} if is_short else {"height": "75vh"},
                dashGridOptions={
                    **({"domLayout": "autoHeight"} if is_short else {}),
                    # Space or a click selects a row, which opens its trial.
                    **({"rowSelection": _ONE_ROW} if of_trials else {}),
                },
            ),
        ],
        key=table.key,
    )


def message_block(title: str, *texts: str, command: str = "") -> Component:
    """Return a message where there is nothing to show.

    Args:
        title: Name of the matter.
        texts: Sentences that say what to do.
        command: Command to be typed; empty for none.
    """
    return html.Section(
        [
            html.H2(title),
            *(html.P(text) for text in texts),
            *([command_block(command)] if command else []),
        ],
        className="message",
        role="status",
    )


def command_block(command: str) -> Component:
    """Return a command, and a button that copies it."""
    return html.Div(
        [
            html.Code(command, tabIndex=0),
            dcc.Clipboard(content=command, title="Copy the command", className="copy"),
        ],
        className="command",
    )


def _graph_id(picture: Picture) -> dict[str, str]:
    """Return all that `assets/moves.js` needs to know of a picture."""
    zero = "" if picture.zero_below is None else str(picture.zero_below)
    return {"picture": picture.name, "axes": " ".join(picture.brushes), "zero": zero}


def _downloads(picture: Picture, address: Address) -> list[Component | str]:
    return [
        html.A(
            f"{kind.upper()} ",
            href=f"download/{picture.name}.{kind}{address}",
            download=f"{picture.name}.{kind}",
            **aria(label=f"{picture.title} as {kind.upper()}"),
        )
        for kind in FORMATS
    ]


def _format(values: Sequence[object]) -> dict[str, Any]:
    """Return the format of a column, in the grid's words."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in known):
        return {"filter": True}  # numbers are filtered by a query
    return _numeric("," if all(isinstance(value, int) for value in known) else ".4~g")


def _csv(table: ViewTable) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.headers)
    writer.writerows(table.rows)
    return stream.getvalue()
