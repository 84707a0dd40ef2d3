"""A study killed anywhere, any number of times, is the study that was never killed."""

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import NSGAIISampler
from optuna.storages.journal import JournalFileBackend

from pnn_core.config import Costs
from search_spaces import SearchSpace
from study.config import JOURNAL, StudyConfig
from study.results.run_record import RunRecord, RunState
from study.search.sampler import SAMPLER_NAMES, SAMPLERS
from study.stopping.rungs import Rungs

SPACE = SearchSpace(
    name="eighteen",
    summary="",
    axes={
        "mask_count": CategoricalDistribution((2, 4, 8)),
        "noise_level": FloatDistribution(0.01, 5.0),
    },
    fixed={"network": "resnet8", "batch_size": 200},
    grid={"noise_level": (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)},
)
EARLIER, TRIALS = 13, 16
"""Before the first kill, samplers have seen enough to propose by what they learned."""


class Killed(BaseException):
    """Like SIGKILL, no `except Exception` sees it."""


def _dying_after(writes: int) -> Callable[[JournalFileBackend, list], None]:
    """Lets some writes through, then kills."""
    append = JournalFileBackend.append_logs
    done = itertools.count()

    def append_or_die(backend: JournalFileBackend, logs: list) -> None:
        if next(done) == writes:
            raise Killed
        append(backend, logs)

    return append_or_die


@pytest.fixture(autouse=True)
def _young_generations() -> Iterator[None]:
    """Of four trials, so that the genetic algorithm breeds within a test."""
    with patch.dict(SAMPLERS, nsga2=lambda seed: NSGAIISampler(population_size=4, seed=seed)):
        yield


def run(life) -> None:
    """Train one trial after the other, each with results that follow from its point."""
    while life.manager.has_work():
        trial = life.ask()
        model = trial.config.model
        accuracy = 1 / (1 + abs(model.mask.noise_level - 1) + model.mask_count)
        costs = Costs(learnable_params=model.mask_count, mask_values=0, macs=0)
        if trial.key.trial % 5 == 4:
            life.train(trial.key.trial, 1, accuracy, costs)
            life.fail(trial.key.trial, "loss is nan", would_recur=True)
            continue
        life.train(trial.key.trial, life.config.epochs, accuracy, costs)
        life.stop(trial.key.trial)


def timeless(records: tuple[RunRecord, ...]) -> list[RunRecord]:
    return [replace(record, started_ms=None, ended_ms=None) for record in records]


@pytest.fixture(params=SAMPLER_NAMES)
def begun(request: pytest.FixtureRequest, make_config, live) -> StudyConfig:
    """A study with some trials behind it, which is to go on."""
    config = make_config(sampler=request.param, space=SPACE, trials=EARLIER)
    run(live(config))
    return replace(config, trials=TRIALS)


def copied(config: StudyConfig, folder: str) -> StudyConfig:
    shutil.copy(config.output / JOURNAL, folder)
    return replace(config, output=Path(folder))


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_study_killed_at_any_write_goes_on_as_if_it_never_was(begun, live) -> None:
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = live(copied(begun, folder))
        run(undisturbed)
        points = [trial.params for trial in undisturbed.storage.trials()]
        states = undisturbed.optuna_states()
    expected = timeless(undisturbed.records)
    assert len(expected) == TRIALS

    @settings(
        max_examples=2 if begun.sampler == "gp" else 10,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(st.integers(0, 18), min_size=1, max_size=4))
    @example([3])  # after a Gaussian process has answered, before the point is there
    @example([2, 2, 2, 2])  # in the middle of every point
    def check(kills: list[int]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            config = copied(begun, folder)
            for writes in kills:
                with (
                    patch.object(JournalFileBackend, "append_logs", _dying_after(writes)),
                    contextlib.suppress(Killed),
                ):
                    run(live(config))
            last = live(config)
            run(last)
            assert timeless(last.records) == expected
            ended = last.heard.of("restored") + last.heard.of("ended")
            assert sorted(number for number, _ in ended) == list(range(TRIALS))
            assert [trial.params for trial in last.storage.trials()] == points
            assert last.optuna_states() == states

    check()


def run_with_rungs(life) -> None:
    """As `run`, with a report of each epoch, at which a trial may be stopped."""
    while life.manager.has_work():
        trial = life.ask()
        model = trial.config.model
        quality = model.mask_count / (1 + abs(model.mask.noise_level - 1))
        for epoch in range(1, life.config.epochs + 1):
            if not life.report(trial.key.trial, epoch, epoch / 100 * quality, model.mask_count):
                break


def test_a_study_killed_at_any_write_stops_the_trials_that_it_would_have_stopped(
    make_config, live
) -> None:
    rungs = Rungs(first=1, reduction_factor=2, epochs=4)
    begun = make_config(sampler="tpe", space=SPACE, trials=3, epochs=4, rungs=rungs)
    run_with_rungs(live(begun))
    begun = replace(begun, trials=12)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = live(copied(begun, folder))
        run_with_rungs(undisturbed)
    expected = timeless(undisturbed.records)
    states = {record.state for record in expected[3:]}
    assert states == {RunState.PRUNED, RunState.COMPLETE}

    @settings(max_examples=10)
    @given(st.lists(st.integers(0, 14), min_size=1, max_size=4))
    def check(kills: list[int]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            config = copied(begun, folder)
            for writes in kills:
                with (
                    patch.object(JournalFileBackend, "append_logs", _dying_after(writes)),
                    contextlib.suppress(Killed),
                ):
                    run_with_rungs(live(config))
            life = live(config)
            run_with_rungs(life)
            assert timeless(life.records) == expected

    check()
