"""Choice of one trained network of a study: a trial's, or one that was confirmed."""

from collections.abc import Sequence
from typing import NamedTuple

from pnn_core.config.checks import did_you_mean
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.weight_files import seeds_of


class ChosenNetwork(NamedTuple):
    """One seed of a run.

    Attributes:
        run: Key of the run.
        seed: The seed.
    """

    run: RunKey
    seed: int


def choose_network(
    study: LoadedStudy,
    number: int,
    seed: int | None,
    layer: str | None,
    confirmed: Sequence[RunRecord],
) -> ChosenNetwork:
    """Choose a network.

    Args:
        study: Study as read.
        number: Number of the trial.
        seed: Seed of the trial, or a fresh seed that confirmed it; None for the first one.
        layer: Spatial layer of a confirmed run, the trial's own or a control's; None for the
            trial's network of the search, unless the seed is a fresh one.
        confirmed: Confirmed runs that may be seen.

    Raises:
        ValueError: There is no such trial, layer or seed, or the trial is not complete.
    """
    trial = study.trial(number)
    runs = [r for r in confirmed if r.trial == number and r.state is RunState.COMPLETE]
    if layer is not None:
        return _confirmed(study, number, seed, layer, runs)
    if trial.state is not RunState.COMPLETE:
        raise ValueError(
            f"trial {number} of study {study.info.name} is {trial.state.words}: weights are those "
            "after the last epoch of a complete trial"
        )
    seeds = seeds_of(trial)
    if seed is None and seeds:
        return ChosenNetwork(trial.key, seeds[0])
    if seed in seeds:
        return ChosenNetwork(trial.key, seed)
    own = [r for r in runs if r.layer == trial.parameters.get("layer") and r.seed == seed]
    if own and seed is not None:
        return ChosenNetwork(own[0].key, seed)
    fresh = sorted({run.seed for run in runs})
    was = f"trained with {_words(seeds)}" + (f", confirmed with {_words(fresh)}" if fresh else "")
    raise ValueError(f"seed {seed}: trial {number} of study {study.info.name} was {was}")


def _confirmed(
    study: LoadedStudy, number: int, seed: int | None, layer: str, runs: Sequence[RunRecord]
) -> ChosenNetwork:
    place = f"trial {number} of study {study.info.name}"
    layers = [*dict.fromkeys(run.layer for run in runs)]
    if not layers:
        raise ValueError(
            f"layer {layer!r}: {place} has no confirmed run, and layers are those of such runs: "
            "leave it out for the trial's own network"
        )
    if layer not in layers:
        hint = did_you_mean(layer, layers)
        raise ValueError(
            f"layer {layer!r}: {place} was confirmed with {', '.join(layers)}"
            + (f"; {hint}" if hint else "")
        )
    seeds = sorted(run.seed for run in runs if run.layer == layer)
    if seed is not None and seed not in seeds:
        raise ValueError(f"seed {seed}: {place} was confirmed with {layer} and {_words(seeds)}")
    chosen = seeds[0] if seed is None else seed
    return ChosenNetwork(RunKey(number, layer, chosen), chosen)


def _words(seeds: Sequence[int]) -> str:
    if not seeds:
        return "seeds that it does not say"
    is_range = len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1
    if is_range:
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
