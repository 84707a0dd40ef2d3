"""The comparison's tables have the fronts that they say, its rules are those of other libraries."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.objective import parse_objectives
from study.simulation.single_objective import FirstObjectiveHalving
from study.stopping.rungs import Rungs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OBJECTIVES = parse_objectives("val_accuracy,learnable_params")
RUNGS = Rungs(first=2, reduction_factor=3, epochs=18)


@pytest.fixture(scope="module")
def module():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module


@pytest.mark.parametrize("place", [0, 1])
def test_a_table_of_the_family_has_the_front_that_is_known(module, place) -> None:
    fronts = module("known_fronts")
    table = fronts.make_table(fronts.MEMBERS[place])
    best: dict[float, float] = {}
    for configuration in table.configurations:
        accuracy, size = configuration.values(OBJECTIVES)
        best[size] = max(accuracy, best.get(size, 0.0))
    known = {150 * masks: accuracy for masks, accuracy in fronts.known_front().items()}
    assert best == pytest.approx(known)
    assert list(known.values()) == sorted(known.values())  # so all of them are on the front


def test_curves_of_the_crossing_member_mislead_early_and_those_of_the_noisy_one_do_not(
    module,
) -> None:
    fronts = module("known_fronts")

    def agreement(name: str, epoch: int) -> float:
        member = next(member for member in fronts.MEMBERS if member.name == name)
        curves = [c.curves for c in fronts.make_table(member).configurations]
        early = [seeds[0][epoch - 1].val_accuracy for seeds in curves]
        final = [np.mean([seed[-1].val_accuracy for seed in seeds]) for seeds in curves]
        return float(np.corrcoef(early, final)[0, 1])

    assert agreement("noisy", 3) > 0.95
    assert agreement("crossing", 3) < 0.8
    assert agreement("crossing", 27) > 0.99


REPORTS = st.lists(st.integers(0, 100), min_size=2, max_size=30, unique=True)


@given(losses=REPORTS)
def test_rays_rule_is_the_one_that_the_simulator_calls_asha_but_for_newcomers_at_the_cut(
    module, losses
) -> None:
    ray = module("other_stoppers").RayAsha(RUNGS)
    own = FirstObjectiveHalving(RUNGS)
    for trial, loss in enumerate(losses):
        before = losses[:trial]
        ours = own.goes_on(trial, 2, (float(loss), 1.0))
        rays = ray.goes_on(trial, 2, (float(loss), 1.0))
        if before:
            cut = np.percentile(before, 100 / RUNGS.reduction_factor)
            below = max((other for other in before if other <= cut), default=cut)
            if below < loss <= cut:  # between two entries, where Ray interpolates
                continue
        assert ours == rays


def test_a_trial_is_judged_by_ray_at_rungs_alone_and_once(module) -> None:
    ray = module("other_stoppers").RayAsha(RUNGS)
    for trial, loss in enumerate([1.0, 2.0, 3.0]):
        ray.goes_on(trial, 2, (loss,))
    assert ray.goes_on(9, 1, (99.0,))
    assert not ray.goes_on(9, 2, (99.0,))
    assert ray.goes_on(9, 3, (99.0,))


def test_syne_tunes_rule_judges_by_its_own_code(module) -> None:
    pytest.importorskip("syne_tune", reason="it comes with the benchmarks extra alone")
    syne_tune = module("other_stoppers").SyneTuneMoasha(RUNGS)
    assert syne_tune.goes_on(0, 2, (0.5, 0.5))  # the first always does
    assert syne_tune.goes_on(1, 1, (9.0, 9.0))  # no rung
    losses = np.random.default_rng(0).random((18, 2))
    answers = {syne_tune.goes_on(2 + place, 2, tuple(row)) for place, row in enumerate(losses)}
    assert answers == {True, False}


def test_one_search_of_each_rule_gives_a_summary_and_pictures(
    module, tmp_path, monkeypatch
) -> None:
    comparison = module("early_stopping")
    small = comparison.Comparison(
        name="small",
        table="noisy",
        searches=(("random", "fifo"), ("random", "moasha"), ("random", comparison.RAY)),
        trials=6,
    )
    monkeypatch.setitem(comparison.COMPARISONS, "small", small)
    argv = ["early_stopping.py", "--only", "small", "--seeds", "2", "--output", str(tmp_path)]
    monkeypatch.setattr("sys.argv", argv)
    assert comparison.main() == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "small.json",
        "small-epochs.png",
        "small-seconds.png",
    }
