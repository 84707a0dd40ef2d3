"""Pictures and tables as files."""

import csv
import html
import itertools
from collections.abc import Iterable
from pathlib import Path

from dashboards.front import FrontInfo, get_front_figure
from dashboards.plotly_config import PLOTLY_CONFIG
from study.results.front_table import TextTable
from study.results.record import TrialRecord

_STYLE = """
body { font-family: system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 75rem;
       color: #222; background: #fff; }
figure { margin: 0; }
h1 { font-size: 1.25rem; margin: 0 0 0.3rem; overflow-wrap: anywhere; }
figcaption p { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
.table { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.9rem; text-align: right; border-bottom: 1px solid #ddd;
         font-weight: normal; }
thead th { font-weight: 600; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.4rem; }
"""

_PLOTLY_CONFIG = PLOTLY_CONFIG | {
    "toImageButtonOptions": {"format": "svg", "filename": "front"},
}


def write_front_page(path: Path, info: FrontInfo, table: TextTable) -> None:
    """Write the picture and its table as one HTML file that needs no network.

    Args:
        path: Of the file.
        info: What the picture shows.
        table: The front.

    Raises:
        OSError: The file cannot be written.
    """
    title = html.escape(info.title)
    path.write_text(
        "<!doctype html>\n"
        f"<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<link rel='icon' href='data:,'>"  # without it a browser asks the server for one
        f"<style>{_STYLE}</style></head><body><main>"
        f"<figure><figcaption><h1>{title}</h1><p>{html.escape(info.caption)}</p></figcaption>"
        f"<div role='group' aria-label='{html.escape(_description(info))}'>{_picture(info)}</div>"
        f"</figure>{_table(table)}</main></body></html>\n",
        encoding="utf-8",
    )


def _picture(info: FrontInfo) -> str:
    figure = get_front_figure(info)
    # Title and caption stand above it as text: Plotly would not break their lines on a phone.
    figure.update_layout(title=None, margin={"t": 64})  # the legend, and above it the tool bar
    return str(
        figure.to_html(
            full_html=False,
            include_plotlyjs=True,
            default_height="clamp(560px, 50vw, 640px)",
            config=_PLOTLY_CONFIG,
        )
    )


def _description(info: FrontInfo) -> str:
    """The picture in words, for those who do not see it."""
    return (
        f"Scatter plot of {info.y.label} over {info.x.label}: "
        f"{len(info.front)} of {len(info.front) + len(info.points)} complete trials are on the "
        "front, which the table below lists."
    )


def _table(table: TextTable) -> str:
    if not table.rows:
        return "<p>No trial is on the front.</p>"
    header = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in table.header)
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(trial)}</th>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for trial, *cells in table.rows
    )
    return (
        # It scrolls by itself where it is too wide: the keyboard must reach it for that.
        "<div class='table' role='region' aria-label='The front as a table' tabindex='0'>"
        f"<table><caption>The front</caption><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def write_front_csv(path: Path, front: Iterable[TrialRecord]) -> None:
    """Write the front's whole configurations and final metrics, one trial a row.

    Args:
        path: Of the file.
        front: Its trials.

    Raises:
        OSError: The file cannot be written.
    """
    rows = [{"trial": r.number, **r.parameters, **r.metrics()} for r in front]
    # All columns of all trials: a later version of the project may have added some.
    columns = list(dict.fromkeys(["trial", *itertools.chain.from_iterable(rows)]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
