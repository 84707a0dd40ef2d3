"""Meaning of a study's options for the task of its data set."""

from dataclasses import replace

from pnn_core.config import (
    CANVAS,
    COST_METRICS,
    DETECTION,
    EPOCH_METRICS,
    DatasetShape,
)
from search_spaces import SearchSpace
from study.command_line import BadInputError, blaming
from study.planning.arguments import Arguments
from study.results.objective import parse_objectives

OBJECTIVES = "objectives"
DETECTION_OBJECTIVES = "val_map_50,backbone_params"
"""Default of a study of detectors: most of whose parameters may be the heads'."""

_TASKS = {name: metric.task for name, metric in {**EPOCH_METRICS, **COST_METRICS}.items()}


def on_asked_canvas(arguments: Arguments, shape: DatasetShape) -> DatasetShape:
    """Return the shape of the images on the canvas that `--canvas` asks for.

    Raises:
        BadInputError: The data set is not one for detection.
    """
    if arguments.canvas is None:
        return shape
    with blaming("--canvas", arguments.canvas):
        return shape.on_canvas(arguments.canvas)


def with_task(arguments: Arguments, shape: DatasetShape) -> Arguments:
    """Complete options by the objectives of the task, where none were asked for or recorded.

    Args:
        arguments: Options as typed.
        shape: Shape of the images, and their task.

    Raises:
        BadInputError: An objective or a limit is a metric of another task.
    """
    is_chosen = OBJECTIVES in arguments.typed or arguments.rerun is not None
    if shape.task == DETECTION and not is_chosen:
        arguments = replace(arguments, objectives=parse_objectives(DETECTION_OBJECTIVES))
    for flag, named in (("--objectives", arguments.objectives), ("--limit", arguments.limit)):
        for name in (each.name for each in named):
            task = _TASKS.get(name)
            if task not in (None, shape.task):
                own = (known for known, of in _TASKS.items() if of == shape.task)
                raise BadInputError(
                    f"{flag} {name}: it is a metric of {task}, and {arguments.dataset} is for "
                    f"{shape.task}, which has {', '.join(own)}"
                )
    return arguments


def require_one_canvas(arguments: Arguments, space: SearchSpace) -> None:
    """Refuse `--canvas` where the space chooses it.

    Raises:
        BadInputError: It does.
    """
    if arguments.canvas is not None and space.sets(CANVAS):
        raise BadInputError(
            f"--canvas {arguments.canvas}: the space {space.name} chooses it: leave it out"
        )
