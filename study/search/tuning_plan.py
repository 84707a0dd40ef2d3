"""Plan of the tuning before a confirmation, and the networks with the settings it chose."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pnn_core.config import ParameterValue
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.tuning_grid import tuning_grid
from study.results.tuning_point import TuningPoint, best_point
from study.search.confirmation_plan import ConfirmedNetwork, PlannedRun


def plan_tuning(
    networks: Sequence[ConfirmedNetwork], choice: str, seeds: range
) -> tuple[PlannedRun, ...]:
    """Plan the runs that tune networks: each at every point of one grid, with its full budget.

    They learn from the train images and are measured on the validation images, as trials are.

    Args:
        networks: Networks to tune: trials and their controls alike.
        choice: Settings to tune; see `study.results.tuning_grid`.
        seeds: Seeds of each point, the same ones for all, which nothing else uses.
    """
    return tuple(
        PlannedRun(
            trial=network.trial,
            config=replace(network.config.with_parameters(settings), seed=seeds.start),
            size_difference=network.size_difference,
            grid_point=number,
            replicates=len(seeds),
        )
        for network in networks
        for number, settings in enumerate(tuning_grid(choice, network.config), start=1)
    )


def tuned_networks(
    networks: Sequence[ConfirmedNetwork], choice: str, seeds: range, runs: Iterable[RunRecord]
) -> tuple[ConfirmedNetwork, ...]:
    """Return the networks, each with the best settings of its grid.

    One of which no point trained to its end keeps the settings of its trial.

    Args:
        networks: Networks as they were planned.
        choice: Settings that were tuned.
        seeds: Seeds of each point.
        runs: Runs of the plan that ended.
    """
    ended = {run.key: run for run in runs}
    tuned = []
    for network in networks:
        place = RunKey(network.trial, network.config.model.layer, seeds.start)
        points = tuple(
            _result(settings, len(seeds), ended.get(place._replace(grid_point=number)))
            for number, settings in enumerate(tuning_grid(choice, network.config), start=1)
        )
        best = best_point(points)
        config = network.config.with_parameters({} if best is None else best.settings)
        tuned.append(replace(network, config=config, tuning=points))
    return tuple(tuned)


def _result(
    settings: Mapping[str, ParameterValue], seeds: int, run: RunRecord | None
) -> TuningPoint:
    """Take the means over seeds from a run; none where it did not train to its end."""
    last = run.epochs[-1] if run is not None and run.state is RunState.COMPLETE else None
    return TuningPoint(
        settings=settings,
        seeds=seeds,
        val_accuracy=math.nan if last is None else last.merit,
        val_loss=math.nan if last is None else last.val_loss,
    )
