"""Rungs of a study from what was typed, or one sentence saying why there are none."""

from dataclasses import replace

from pnn_core.config import CLASSIFICATION, COST_METRICS
from pnn_core.config.checks import require_known
from study.command_line import BadInputError, blaming
from study.planning.arguments import Arguments
from study.results.objective import Objective, objectives_of
from study.results.settings import DEFAULT_REDUCTION_FACTOR, FIFO, MOASHA, SCHEDULERS
from study.stopping.rungs import Rungs, default_first_rung


def asked_rungs(arguments: Arguments, objectives: tuple[Objective, ...]) -> Rungs | None:
    """Return where the study that was asked for stops trials early; None where it stops none.

    Args:
        arguments: Options as typed.
        objectives: Objectives of the study.

    Raises:
        BadInputError: The scheduler is unknown, or could stop no trial of this study.
    """
    scheduler = arguments.scheduler
    with blaming("--scheduler", scheduler):
        require_known("a scheduler", scheduler, SCHEDULERS)
    if scheduler == FIFO:
        require_nothing_to_stop_at(arguments.reduction_factor, arguments.first_rung)
        return None
    with blaming("--scheduler", scheduler):
        require_something_to_compare(objectives)
    factor = arguments.reduction_factor or DEFAULT_REDUCTION_FACTOR
    first = arguments.first_rung or default_first_rung(arguments.epochs, factor)
    if first >= arguments.epochs:
        blamed = "--epochs" if arguments.first_rung is None else "--first-rung"
        value = arguments.epochs if arguments.first_rung is None else first
        raise BadInputError(
            f"{blamed} {value}: the first rung (epoch {first}) must come before the full budget of "
            f"{arguments.epochs}: {scheduler} could stop no trial"
        )
    return Rungs(first=first, reduction_factor=factor, epochs=arguments.epochs)


def leave_out_defaults(arguments: Arguments, rungs: Rungs | None) -> Arguments:
    """Leave out what need not be typed for these rungs: a larger study has its own."""
    if rungs is None:
        return arguments
    factor = rungs.reduction_factor
    default = default_first_rung(rungs.epochs, factor)
    return replace(
        arguments,
        reduction_factor=None if factor == DEFAULT_REDUCTION_FACTOR else factor,
        first_rung=None if rungs.first == default else rungs.first,
    )


def require_nothing_to_stop_at(reduction_factor: int | None, first_rung: int | None) -> None:
    """Refuse rungs where no trial is stopped early.

    Args:
        reduction_factor: Value as typed; None where it was not.
        first_rung: Value as typed; None where it was not.

    Raises:
        BadInputError: One of them was typed.
    """
    for flag, value in (("--reduction-factor", reduction_factor), ("--first-rung", first_rung)):
        if value is not None:
            raise BadInputError(
                f"{flag} {value}: --scheduler {FIFO} stops no trial: leave it out, or add "
                f"--scheduler {MOASHA}"
            )


def require_something_to_compare(objectives: tuple[Objective, ...]) -> None:
    """Refuse to stop trials early by what no epoch changes.

    Args:
        objectives: Objectives by which trials would be stopped.

    Raises:
        ValueError: All of them are known before training, or one is not known before its end.
    """
    if late := [objective.name for objective in objectives if objective.measured]:
        raise ValueError(
            f"the objective {late[0]} is measured after the last epoch, and trials are compared "
            f"before: leave it out, or --scheduler {MOASHA}"
        )
    if all(objective.known_before_training for objective in objectives):
        tasks = [task for o in objectives if (task := COST_METRICS[o.name].task) is not None]
        task = tasks[0] if tasks else CLASSIFICATION
        known = objectives_of(task).items()
        recorded = [name for name, o in known if not o.known_before_training]
        raise ValueError(
            f"the objectives {', '.join(objective.name for objective in objectives)} are known "
            "before training, so that no epoch tells anything about them: it needs one of "
            f"{', '.join(recorded)}"
        )
