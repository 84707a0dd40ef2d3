"""A metric of the complete trials over two settings: what contours and heat maps have in common."""

from typing import NamedTuple

from dashboards.elements.colour import ColourScale
from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.quantity import Quantity, objective_quantity
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES


def usual_metric(study: LoadedStudy) -> Quantity:
    """Return the figure of merit of a study's task."""
    return objective_quantity(OBJECTIVES[study.info.task.validated])


class MetricPoint(NamedTuple):
    """One complete trial.

    Attributes:
        number: Number of the trial.
        x: Value of the horizontal setting.
        y: Value of the vertical one.
        z: Value of the metric.
    """

    number: int
    x: float | str
    y: float | str
    z: float


def metric_points(
    study: LoadedStudy, x: Quantity, y: Quantity, z: Quantity
) -> tuple[MetricPoint, ...]:
    """The complete trials that have both settings and a finite value of the metric, by number.

    Args:
        study: Study as read from the tracker.
        x: Horizontal setting.
        y: Vertical setting.
        z: The metric.
    """
    complete = complete_trials(study)
    return tuple(
        MetricPoint(complete.numbers[i], across, up, float(value))
        for i, (across, up, value) in complete.placed((x, y, z))
        if not isinstance(value, str)
    )


def surface_colours(scale: ColourScale) -> dict[str, object]:
    """A colour scale and its bar, in Plotly's words for contours and heat maps."""
    marker = scale.marker()
    return {
        "zmin": marker["cmin"],
        "zmax": marker["cmax"],
        "colorscale": marker["colorscale"],
        "colorbar": marker["colorbar"],
    }
