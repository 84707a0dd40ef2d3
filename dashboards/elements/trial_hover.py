"""Text under a pointer over a trial."""

import textwrap
from collections import defaultdict
from collections.abc import Hashable, Sequence

from dashboards.elements.quantity import Quantity
from dashboards.elements.theme import escape

_MOST_NAMED = 8  # trials in one place
_REASON_WIDTH, _MOST_REASON_LINES = 60, 3  # of a message that may be as long as a page


def hover_template(objectives: Sequence[Quantity], settings: Sequence[Quantity]) -> str:
    """Return the text under a pointer over a trial, in Plotly's words.

    The first two cells of `customdata` are the trial's number and the trials in the same place,
    then come the cells of `CompleteTrials.hover_cells`.
    """
    lines = ["<b>trial %{customdata[0]}</b>%{customdata[1]}"]
    cell = 2
    for quantities in (objectives, settings):
        for quantity in quantities:
            lines.append(f"{template_text(quantity.name)}: %{{customdata[{cell}]}}")
            cell += 1
        if quantities is objectives and settings:
            lines.append("")
    return "<br>".join(lines) + "<extra></extra>"


def template_text(text: str) -> str:
    """A text within a template: neither markup nor one of the template's variables."""
    return escape(text).replace("%{", "%&#123;")


def reason_lines(reason: str) -> list[str]:
    """Return the reason of a trial's end as lines of escaped text; none where there is none."""
    lines = textwrap.wrap(reason, _REASON_WIDTH, max_lines=_MOST_REASON_LINES, placeholder=" …")
    return [escape(line) for line in lines]


def same_place_lines(numbers: Sequence[int], places: Sequence[Hashable]) -> list[str]:
    """For each trial a line that names the others in its place; empty where there is none.

    Args:
        numbers: Numbers of the trials.
        places: Places where they are drawn.
    """
    found: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, place in zip(numbers, places, strict=True):
        found[place].append(number)
    return [
        _same_place(number, found[place]) if len(found[place]) > 1 else ""
        for number, place in zip(numbers, places, strict=True)
    ]


def _same_place(number: int, here: Sequence[int]) -> str:
    # A few more than are named, so that ten thousand trials in one place stay cheap.
    named = [str(other) for other in here[: _MOST_NAMED + 1] if other != number][:_MOST_NAMED]
    more = len(here) - 1 - len(named)
    return f"<br>in the same place: trial {', '.join(named)}{f' and {more} more' if more else ''}"
