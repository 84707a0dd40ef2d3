"""A picture with everything that stands around it, ready for any page or file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

Cell = str | int | float | bool | None
Columns = Mapping[str, Sequence[Cell]]
"""Table as columns of equal length, each of one type and None."""


@dataclass(frozen=True, kw_only=True)
class PictureInfo:
    """Words of a picture; each picture adds the data that it shows.

    Attributes:
        title: Title, as plain text.
        common: Sentences that it shares with others of a view: data set, number of trials, budget,
            and what that forbids to conclude.
        sentences: Sentences of its own: first what is seen, then what is left out, and what must
            not be concluded.
        description: Text for readers who do not see the picture.
        instead: Sentence that stands in place of a picture without data; empty otherwise.
    """

    title: str
    common: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    description: str
    instead: str = ""

    @property
    def caption(self) -> str:
        """All sentences, as a picture has them that stands by itself."""
        return " ".join((*self.common, *self.sentences))


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture and its words, all of them plain text.

    Attributes:
        name: Key in addresses, commands and file names: lower case and hyphens.
        title: Title, as plain text.
        common: Sentences that it shares with others of a view; see `PictureInfo`.
        sentences: Sentences of its own.
        description: Text for readers who do not see the picture.
        figure: Figure without title and caption, whose lines Plotly would not break on a phone.
        data: Drawn numbers, for files.
        brushes: Names of the quantities on both axes, where a box drawn on them means trials;
            empty where it does not, as is the name of an axis of names.
        zero_below: Bound on the horizontal axis below which a box holds zero, which stands apart
            from a logarithmic scale; None where zero has no place of its own.
        instead: Sentence that a page shows in place of a picture without data; empty otherwise.
    """

    name: str
    title: str
    common: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    description: str
    figure: go.Figure
    data: Columns
    brushes: tuple[str, ...] = ()
    zero_below: float | None = None
    instead: str = ""

    @property
    def caption(self) -> str:
        """All sentences, as a picture has them that stands by itself."""
        return " ".join((*self.common, *self.sentences))

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.data.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"data must be columns of equal length, not {lengths}")
