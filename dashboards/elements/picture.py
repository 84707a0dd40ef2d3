"""A picture with everything that stands around it, ready for any page or file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

Cell = str | int | float | bool | None
Columns = Mapping[str, Sequence[Cell]]
"""A table as columns of equal length, each of one type and None."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture and its words, all of them plain text.

    Attributes:
        name: Its key in addresses, commands and file names: lower case and hyphens.
        title: What it shows.
        caption: Of what it is drawn: data set, number of trials, budget, and what is left out.
        description: For those who do not see it.
        figure: Without title and caption, whose lines Plotly would not break on a phone.
        data: What is drawn, for files.
        brushes: Names of the quantities on both axes, where a box drawn on them means trials;
            empty where it does not, as is the name of an axis of names.
        zero_below: What a box holds of the horizontal axis below this is zero, which stands apart
            from a logarithmic scale; None where zero has no place of its own.
    """

    name: str
    title: str
    caption: str
    description: str
    figure: go.Figure
    data: Columns
    brushes: tuple[str, ...] = ()
    zero_below: float | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.data.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"data must be columns of equal length, not {lengths}")
