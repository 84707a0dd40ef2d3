"""Registry of pictures, and the views whose questions they answer."""

from typing import Any, NamedTuple

from dashboards.picture_entry import PictureEntry
from dashboards.pictures.attainment import ATTAINMENT
from dashboards.pictures.contour import CONTOUR
from dashboards.pictures.cost import COST
from dashboards.pictures.curves import CURVES, TRIAL_CURVES
from dashboards.pictures.differences import DIFFERENCES
from dashboards.pictures.front import FRONT
from dashboards.pictures.fronts import FRONTS
from dashboards.pictures.generalisation_gap import GENERALISATION_GAP
from dashboards.pictures.heat_map import HEAT_MAP
from dashboards.pictures.hypervolume import HYPERVOLUME
from dashboards.pictures.importance import IMPORTANCE
from dashboards.pictures.masks import MASKS
from dashboards.pictures.parallel import PARALLEL
from dashboards.pictures.precision_recall import PRECISION_RECALL
from dashboards.pictures.published_gap import PUBLISHED_GAP
from dashboards.pictures.rungs import RUNGS
from dashboards.pictures.slices import SECOND_SLICE, SLICE
from dashboards.pictures.timeline import TIMELINE
from pnn_core.config import Task
from pnn_core.config.checks import require_known

ENTRIES: tuple[PictureEntry[Any], ...] = (
    FRONT,
    DIFFERENCES,
    FRONTS,
    ATTAINMENT,
    HYPERVOLUME,
    RUNGS,
    TIMELINE,
    IMPORTANCE,
    SLICE,
    SECOND_SLICE,
    HEAT_MAP,
    CONTOUR,
    PARALLEL,
    CURVES,
    GENERALISATION_GAP,
    PUBLISHED_GAP,
    COST,
    TRIAL_CURVES,
    PRECISION_RECALL,
    MASKS,
)
"""Every picture, in the order in which each view shows its own."""


class View(NamedTuple):
    """One question and its answer.

    Attributes:
        name: Key in addresses.
        title: Title of a word or two.
        question: Question that its pictures answer; `{merit}` stands for a task's figure of merit.
        choices: Names of options that it has by itself.
    """

    name: str
    title: str
    question: str
    choices: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[PictureEntry[Any], ...]:
        """Pictures that answer the question, in the order of the page."""
        return tuple(entry for entry in ENTRIES if self.name in entry.views)

    def pictures_of(self, task: Task) -> tuple[PictureEntry[Any], ...]:
        """Return those of its pictures that tell something of a task's networks."""
        return tuple(entry for entry in self.pictures if entry.is_of(task))

    def question_for(self, task: Task) -> str:
        """Return the question in the words of a task."""
        return self.question.format(merit=task.label)

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options, and of those that change one of its pictures."""
        names = (name for entry in self.pictures for name in entry.options)
        return tuple(dict.fromkeys((*self.choices, *names)))


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View("front", "Front", "What {merit} does a number of parameters buy?"),
        View("trials", "All trials", "Which trials are there, and how did each end?", ("where",)),
        View("progress", "Progress", "How far is it, and does it still get better?"),
        View("matters", "What matters", "Which setting decides, and where is it best?"),
        View(
            "curves",
            "Curves",
            "How did training go?",
        ),
        View(
            "compare",
            "Compare",
            "Which of several studies is ahead, and is that more than luck?",
        ),
        View("cost", "Cost", "What do parameters hide?"),
    )
}
"""Views by name, in the order of the page."""

PICTURES: dict[str, PictureEntry[Any]] = {
    entry.name: entry for view in VIEWS.values() for entry in view.pictures
}
"""Pictures of studies by name, in the order of the page."""


def picture_of(name: str, task: Task) -> PictureEntry[Any]:
    """Return a picture of a study whose networks are trained for a task.

    Raises:
        ValueError: There is no such picture, or it tells nothing of networks for that task.
    """
    require_known("a picture", name, PICTURES)
    entry = PICTURES[name]
    if not entry.is_of(task):
        accepted = ", ".join(known for known, picture in PICTURES.items() if picture.is_of(task))
        raise ValueError(
            f"{name} is a picture of networks for {entry.task}, and these are for {task.name}: "
            f"accepted are {accepted}"
        )
    return entry


TRIAL_PICTURES = tuple(entry for entry in ENTRIES if entry.needs == "one trial")
"""Pictures of an opened trial, in the order of its panel."""
