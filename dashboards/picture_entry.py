"""Registry entry of a picture: everything that pages and files must know of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.picture import Columns, Picture, PictureInfo
from dashboards.scene import Scene
from pnn_core.config import Task

Info = TypeVar("Info", bound=PictureInfo)


@dataclass(frozen=True, kw_only=True)
class PictureEntry(Generic[Info]):
    """A picture that pages, exports and downloads offer.

    Title, caption and text for readers who do not see it come with `info`.

    Attributes:
        name: Key in addresses, commands and file names: lower case and hyphens.
        views: Names of the views whose question it helps to answer; none for a trial's pictures.
        options: Names of the options (`ViewOptions`) that change it, in the order of the page.
        needs: Smallest subject that it says something of.
        task: Name of the task whose networks it is of; None for all.
        info: Collects what is shown.
        figure: Draws it, where there is something to show.
        columns: Numbers that are drawn, for CSV and Parquet.
        brushes: Names of the quantities on both axes, where a box drawn on them means trials.
        zero_below: Bound on the horizontal axis below which a box holds zero.
    """

    name: str
    views: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    needs: Literal["one trial", "one study", "several studies"] = "one study"
    task: str | None = None
    info: Callable[[Scene], Info]
    figure: Callable[[Info], go.Figure]
    columns: Callable[[Info], Columns]
    brushes: Callable[[Info], tuple[str, ...]] = lambda _: ()
    zero_below: Callable[[Info], float | None] = lambda _: None

    def is_of(self, task: Task) -> bool:
        """Return True if it tells something of networks that are trained for a task."""
        return self.task in (None, task.name)

    def draw(self, scene: Scene) -> Picture:
        """Collect and draw the picture of a scene."""
        return self.picture(self.info(scene))

    def picture(self, info: Info) -> Picture:
        """Draw the picture, or its sentence where there is nothing to show."""
        if info.instead:
            figure = theme.say_instead(theme.new_figure(), info.instead)
        else:
            figure = self.figure(info)
        return Picture(
            name=self.name,
            title=info.title,
            common=info.common,
            sentences=info.sentences,
            description=info.description,
            figure=figure,
            data=self.columns(info),
            brushes=self.brushes(info),
            zero_below=self.zero_below(info),
            instead=info.instead,
        )
