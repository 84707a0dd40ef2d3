"""Growth of searches of a recorded table: the median over seeds, and the band around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.picture import Picture, PictureInfo
from dashboards.elements.series import series_look
from dashboards.measures.duration import time_unit
from dashboards.measures.steps import HIGH, LOW, Band

Over = Literal["epochs", "seconds"]


class SearchBand(NamedTuple):
    """One kind of search.

    Attributes:
        name: Its sampler and scheduler.
        seeds: Number of searches that the band is of.
        band: Band of hypervolumes, as a share of the table's best.
    """

    name: str
    seeds: int
    band: Band


@dataclass(frozen=True, kw_only=True)
class SimulatedHypervolumeInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        over: Quantity of the horizontal axis.
        searches: At least one, in the order asked for.
    """

    over: Over
    searches: tuple[SearchBand, ...]


def get_simulated_hypervolume_info(
    searches: Sequence[SearchBand], *, over: Over, table: str, settings: str
) -> SimulatedHypervolumeInfo:
    """Collect what the picture shows.

    Args:
        searches: At least one.
        over: Horizontal axis: epochs of all trials together, or simulated seconds.
        table: Recorded space that was searched, in words.
        settings: Settings that all searches share, in words.
    """
    along = "epochs spent" if over == "epochs" else "simulated time"
    ends = (f"{s.name} reaches {s.band.middle[-1]:.3f}" for s in searches)
    return SimulatedHypervolumeInfo(
        title=f"Hypervolume of simulated searches against {along}",
        common=(f"{table}; {settings}.",),
        sentences=(
            f"Lines are medians over seeds, bands hold the {LOW:.0%} to {HIGH:.0%} quantiles.",
            "Hypervolume of the complete trials so far, as a share of that of the whole table, "
            "with each configuration's mean over all recorded seeds.",
        ),
        description=f"A line with a band for each search: {'; '.join(ends)}.",
        over=over,
        searches=tuple(searches),
    )


def get_simulated_hypervolume_figure(info: SimulatedHypervolumeInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    longest = max(search.band.x[-1] for search in info.searches)
    unit = time_unit(longest) if info.over == "seconds" else None
    label = f"simulated time ({unit.name})" if unit else "epochs spent, all trials together"
    for position, search in enumerate(info.searches):
        figure.add_traces(_traces(search, position, unit.seconds if unit else 1.0))
    return figure.update_layout(
        showlegend=True,
        xaxis=theme.axis(label, info.searches[0].band.x[1:], log=True),
        yaxis=theme.axis("hypervolume (share of the table's)", (), log=False)
        | {"range": [0, 1.02]},
    )


def get_simulated_hypervolume_picture(info: SimulatedHypervolumeInfo) -> Picture:
    """The picture with its words and data."""
    return Picture(
        name=f"simulated-hypervolume-{info.over}",
        title=info.title,
        common=info.common,
        sentences=info.sentences,
        description=info.description,
        figure=get_simulated_hypervolume_figure(info),
        data={
            "search": [search.name for search in info.searches for _ in search.band.x],
            info.over: [x for search in info.searches for x in search.band.x],
            "low": [y for search in info.searches for y in search.band.low],
            "median": [y for search in info.searches for y in search.band.middle],
            "high": [y for search in info.searches for y in search.band.high],
        },
    )


def _traces(search: SearchBand, position: int, unit: float) -> tuple[go.Scatter, go.Scatter]:
    """The band as a closed outline without a line, and the median over it.

    The place 0 has no logarithm.
    """
    x, low, middle, high = (values[1:] for values in search.band)
    x = tuple(place / unit for place in x)
    style = series_look(position)
    name = theme.escape(search.name)
    shared = {"legendgroup": str(position), "name": name}
    band = go.Scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        mode="lines",
        line={"width": 0, "color": style.colour},
        fill="toself",
        opacity=0.12,
        hoverinfo="skip",
        showlegend=False,
        **shared,
    )
    median = go.Scatter(x=x, y=middle, mode="lines", line=style.steps(), **shared)
    return band, median
