"""Pictures and tables as files."""

import csv
import html
from collections.abc import Iterable
from pathlib import Path

from dashboards.front import FrontInfo, get_front_figure
from study.results.front_table import TextTable
from study.results.record import TrialRecord

_STYLE = """
body { font-family: system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem; color: #222; }
figure { margin: 0; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.9rem; text-align: right; border-bottom: 1px solid #ddd; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.4rem; }
"""


def write_front_page(path: Path, info: FrontInfo, table: TextTable) -> None:
    """Write the picture and its table as one HTML file that needs no network.

    Args:
        path: Of the file.
        info: What the picture shows.
        table: The front.

    Raises:
        OSError: The file cannot be written.
    """
    figure = get_front_figure(info)
    picture = figure.to_html(
        full_html=False, include_plotlyjs=True, default_height="640px", config={"responsive": True}
    )
    title = html.escape(info.title, quote=True)
    header = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in table.header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    path.write_text(
        "<!doctype html>\n"
        f"<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>{_STYLE}</style></head><body>"
        f"<figure role='group' aria-label='{title}'>{picture}</figure>"
        f"<table><caption>The front</caption><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>\n",
        encoding="utf-8",
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
    columns = list(rows[0]) if rows else ["trial"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
