"""Parts of the page, and what a browser shows of them."""

from dataclasses import dataclass
from typing import NamedTuple

from dash.development.base_component import Component


class Drawing(NamedTuple):
    """State of a browser, in so far as it decides what it is to show next.

    Attributes:
        head: State of the lists of studies and views.
        content: State of the rest of the view.
        pictures: State of the pictures and of the choices, but for the brush.
        brush: Brush that they show.
        brushed: The last one that the reader has drawn. Back and forward lead to it once more, and
            then no picture shows it by itself.
        panel: State of the opened trial's panel.
        acting: State of the forms by which a reader acts on the study.
        trial_acting: State of those for the opened trial.
    """

    head: str = ""
    content: str = ""
    pictures: str = ""
    brush: str = ""
    brushed: str = ""
    panel: str = ""
    acting: str = ""
    trial_acting: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Parts of the page; None for one that stays.

    Attributes:
        studies: Choice of the study looked at.
        views: Links to the views.
        choices: The view's question, and what a reader can choose.
        state: The brush and where the study stands, or what is said in the view's place.
        pictures: Its pictures.
        below: Its tables.
        panel: The opened trial.
        acting: Forms by which a reader acts on the study; drawn anew only where they change, so
            that what is typed stays.
        trial_acting: Forms for the opened trial.
        footer: Source of all this.
        refresh_ms: After how long the browser is to ask again.
        drawing: State that the browser shows then.
    """

    studies: Component | None
    views: list[Component] | None
    choices: list[Component] | None
    state: list[Component] | None
    pictures: list[Component] | None
    below: list[Component] | None
    panel: list[Component] | None
    acting: list[Component] | None
    trial_acting: list[Component] | None
    footer: str | None
    refresh_ms: int
    drawing: Drawing
