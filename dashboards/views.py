"""The views: which question each answers, and with which pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.picture import Picture
from dashboards.elements.quantity import Quantity, setting
from dashboards.pictures.attainment import get_attainment_info, get_attainment_picture
from dashboards.pictures.contour import get_contour_info, get_contour_picture
from dashboards.pictures.cost import get_cost_info, get_cost_picture
from dashboards.pictures.curves import get_curves_info, get_curves_picture
from dashboards.pictures.front import get_front_info, get_front_picture
from dashboards.pictures.front_3d import get_front_3d_info, get_front_3d_picture
from dashboards.pictures.fronts import get_fronts_info, get_fronts_picture
from dashboards.pictures.generalisation_gap import (
    get_generalisation_gap_info,
    get_generalisation_gap_picture,
)
from dashboards.pictures.heat_map import get_heat_map_info, get_heat_map_picture
from dashboards.pictures.hypervolume import get_hypervolume_info, get_hypervolume_picture
from dashboards.pictures.importance import get_importance_info, get_importance_picture
from dashboards.pictures.parallel import get_parallel_info, get_parallel_picture
from dashboards.pictures.published_gap import get_published_gap_info, get_published_gap_picture
from dashboards.pictures.rungs import get_rungs_info, get_rungs_picture
from dashboards.pictures.slices import get_slice_info, get_slice_picture
from dashboards.pictures.timeline import get_timeline_info, get_timeline_picture
from dashboards.view_options import ViewOptions
from study.results.mlflow.loaded_study import LoadedStudy


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a picture is drawn of.

    Attributes:
        studies: The one looked at, and those beside it.
        options: What the reader has chosen.
        selected: Numbers of the trials that the reader has brushed; None for all.
        now_ms: In milliseconds since 1970.
    """

    studies: tuple[LoadedStudy, ...]
    options: ViewOptions
    selected: frozenset[int] | None
    now_ms: int

    @property
    def study(self) -> LoadedStudy:
        """The one looked at."""
        return self.studies[0]

    def quantity(self, name: str) -> Quantity | None:
        """The quantity that an option names; None where it names none."""
        return self.options.quantity(name, self.study.records)


class View(NamedTuple):
    """One question and its answer.

    Attributes:
        title: A word or two.
        question: What it answers.
        controls: Names of the options that change it.
        pictures: Name of each picture and what draws it.
    """

    title: str
    question: str
    controls: tuple[str, ...]
    pictures: dict[str, Callable[[Scene], Picture]]


def _front(scene: Scene) -> Picture:
    x, y, z = map(scene.quantity, ("x", "y", "z"))
    colour, options = scene.quantity("colour"), scene.options
    if z is not None:
        space = get_front_3d_info(
            scene.study,
            x=x,
            y=y,
            z=z,
            colour=colour,
            log_x=options.log_x,
            log_y=options.log_y,
            selected=scene.selected,
        )
        return replace(get_front_3d_picture(space), name="front")
    info = get_front_info(
        scene.study,
        x=x,
        y=y,
        colour=colour,
        log_x=options.log_x,
        log_y=options.log_y,
        selected=scene.selected,
    )
    # A box over names means no numbers.
    brushes = tuple(
        "" if any(isinstance(place, str) for place in info.trials.places(i)) else axis.name
        for i, axis in enumerate(info.trials.axes)
    )
    return replace(get_front_picture(info), brushes=brushes)


def _hypervolume(scene: Scene) -> Picture:
    return get_hypervolume_picture(get_hypervolume_info(scene.studies, over=scene.options.over))


def _timeline(scene: Scene) -> Picture:
    return get_timeline_picture(get_timeline_info(scene.study, now_ms=scene.now_ms))


def _rungs(scene: Scene) -> Picture:
    return get_rungs_picture(get_rungs_info(scene.study))


def _importance(scene: Scene) -> Picture:
    return get_importance_picture(
        get_importance_info(scene.study, evaluator=scene.options.evaluator)
    )


def _slice(scene: Scene) -> Picture:
    first, _ = two_settings(scene, "noise_level", "mask_count")
    return _slice_of(scene, first)


def _second_slice(scene: Scene) -> Picture:
    _, second = two_settings(scene, "noise_level", "mask_count")
    return replace(_slice_of(scene, second), name="second-slice")


def _slice_of(scene: Scene, parameter: Quantity) -> Picture:
    info = get_slice_info(
        scene.study, parameter=parameter, y=scene.quantity("y"), selected=scene.selected
    )
    return get_slice_picture(info)


def _heat_map(scene: Scene) -> Picture:
    first, second = two_settings(scene, "mask_count", "batch_size")
    return get_heat_map_picture(get_heat_map_info(scene.study, x=first, y=second))


def _contour(scene: Scene) -> Picture:
    first, second = two_settings(scene, "noise_level", "mask_count")
    return get_contour_picture(get_contour_info(scene.study, x=first, y=second))


def _parallel(scene: Scene) -> Picture:
    return get_parallel_picture(get_parallel_info(scene.study, selected=scene.selected))


def _curves(scene: Scene) -> Picture:
    info = get_curves_info(scene.study, selected=scene.selected, metric=scene.options.metric)
    return get_curves_picture(info)


def _gap(scene: Scene) -> Picture:
    return get_generalisation_gap_picture(
        get_generalisation_gap_info(scene.study, selected=scene.selected)
    )


def _published(scene: Scene) -> Picture:
    return get_published_gap_picture(get_published_gap_info(scene.study))


def _fronts(scene: Scene) -> Picture:
    return get_fronts_picture(
        get_fronts_info(scene.studies, x=scene.quantity("x"), y=scene.quantity("y"))
    )


def _attainment(scene: Scene) -> Picture:
    return get_attainment_picture(get_attainment_info(scene.studies))


def _cost(scene: Scene) -> Picture:
    return get_cost_picture(get_cost_info(scene.study, selected=scene.selected))


VIEWS: dict[str, View] = {
    "front": View(
        "Front",
        "What accuracy does a number of parameters buy?",
        ("x", "y", "z", "colour", "log_x", "log_y"),
        {"front": _front},
    ),
    "progress": View(
        "Progress",
        "How far is it, and does it still get better?",
        ("over",),
        {"hypervolume": _hypervolume, "rungs": _rungs, "timeline": _timeline},
    ),
    "matters": View(
        "What matters",
        "Which setting decides, and where is it best?",
        ("evaluator", "parameter", "second"),
        {
            "importance": _importance,
            "slice": _slice,
            "second-slice": _second_slice,
            "heat-map": _heat_map,
            "contour": _contour,
            "parallel": _parallel,
        },
    ),
    "curves": View(
        "Curves",
        "How did training go, and what does the published protocol make of it?",
        ("metric",),
        {"curves": _curves, "generalisation-gap": _gap, "published-gap": _published},
    ),
    "compare": View(
        "Compare",
        "Which of several studies is ahead, and is that more than luck?",
        ("x", "y", "over"),
        {"fronts": _fronts, "attainment": _attainment, "hypervolume": _hypervolume},
    ),
    "cost": View(
        "Cost",
        "What do parameters hide?",
        (),
        {"cost": _cost},
    ),
}
"""Views by name, in the order of the page."""

PICTURES: dict[str, Callable[[Scene], Picture]] = {
    name: draw for view in VIEWS.values() for name, draw in view.pictures.items()
}
"""What draws each picture, by its name."""


def two_settings(scene: Scene, first: str, second: str) -> tuple[Quantity, Quantity]:
    """Two different settings: those chosen, else those named where they are searched.

    Args:
        scene: With what the reader has chosen.
        first: Name of the usual first one.
        second: Name of the usual second one.
    """
    usual = [*complete_trials(scene.study).searched, setting(first), setting(second)]
    one = scene.quantity("parameter") or _preferred(usual, first)
    rest = [quantity for quantity in usual if quantity.name != one.name]
    return one, scene.quantity("second") or _preferred(rest, second)


def _preferred(usual: Sequence[Quantity], name: str) -> Quantity:
    return next((quantity for quantity in usual if quantity.name == name), usual[0])
