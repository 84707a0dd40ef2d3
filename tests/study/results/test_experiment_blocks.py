"""Blocks of an experiment are read as one, or refused; the seal opens with the last run alone."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import ConfirmResult, ParameterValue
from search_spaces import PlannedComparison
from study.results.experiment_blocks import grouped_blocks, merge_blocks
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.planned_experiment import PlannedExperiment, experiment_arms
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.seal import seal_of
from study.results.sealed_table import read_sealed_table, write_sealed_table
from study.results.study_info import StudyInfo

SEEDS = 4
ARMS = ("noise", "off", "3x3")
PLAN = PlannedExperiment(
    arms=ARMS,
    comparisons=(PlannedComparison(first="noise", second="off", matters=0.01),),
    seeds=SEEDS,
    digest="ab" * 32,
)
SETTINGS: dict[str, dict[str, ParameterValue]] = {
    "noise": {"layer": "perturbation", "noise_level": 1.0},
    "off": {"layer": "perturbation", "noise_level": 0.0},
    "3x3": {"layer": "conv3x3"},
}


def result(accuracy: float) -> ConfirmResult:
    return ConfirmResult(
        train_loss=0.1,
        test_accuracy=accuracy,
        published_test_accuracy=accuracy,
        train_seconds=1.0,
    )


def block(*seeds: int, order: tuple[str, ...] = ARMS, **changes: object) -> LoadedStudy:
    """A study of some of the seeds; its trials are the arms in any order."""
    settings = SETTINGS | changes.pop("settings", {})
    info = StudyInfo(
        name=f"block-{seeds[0]}",
        study_id=f"{seeds[0]:032}",
        space="arms",
        trials=len(ARMS),
        sampler="grid",
        git_commit="",
        versions={},
        confirm=len(seeds),
        confirm_beforehand=SEEDS,
        experiment=PLAN,
    )
    return LoadedStudy(
        info=replace(info, **changes),
        records=tuple(
            RunRecord(
                key=RunKey(number),
                state=RunState.FAILED,
                parameters={"variant": arm, **settings[arm], "seed": seeds[0] + number},
            )
            for number, arm in enumerate(order)
        ),
        confirmed=tuple(
            RunRecord(
                key=RunKey(number, str(settings[arm]["layer"]), seed),
                state=RunState.COMPLETE,
                parameters={**settings[arm], "seed": seed},
                result=result((ARMS.index(arm) + seed / 100) / 10),
            )
            for number, arm in enumerate(order)
            for seed in seeds
        ),
        undecodable=(),
    )


def seal(study: LoadedStudy):
    found = seal_of(study.info, study.records, study.confirmed)
    assert found is not None
    return found


def test_a_plan_comes_through_its_text() -> None:
    assert PlannedExperiment.parse(str(PLAN)) == PLAN


@given(st.data())
def test_however_the_seeds_are_split_into_blocks_they_are_one_experiment(data) -> None:
    seeds = data.draw(st.permutations(range(SEEDS)))
    cuts = sorted(data.draw(st.sets(st.integers(1, SEEDS - 1))))
    orders = st.permutations(ARMS).map(tuple)
    edges = [0, *cuts, SEEDS]
    blocks = [block(*seeds[a:b], order=data.draw(orders)) for a, b in itertools.pairwise(edges)]
    merged, whole = merge_blocks(blocks), block(*range(SEEDS))
    assert merged.confirmed == whole.confirmed
    assert seal(merged).is_complete
    arms = experiment_arms(PLAN, merged.records, merged.confirmed)
    assert [arm.name for arm in arms] == list(ARMS)
    for arm in arms:
        assert [run.seed for run in arm.runs] == list(range(SEEDS))
    for fewer in (blocks[1:], blocks[:-1]):
        if fewer:
            assert not seal(merge_blocks(fewer)).is_open


def test_a_run_that_has_not_ended_keeps_the_seal_closed_and_a_failed_one_does_not() -> None:
    study = block(*range(SEEDS))
    first, *others = study.confirmed
    for state, is_open in ((RunState.RUNNING, False), (RunState.FAILED, True)):
        odd = replace(first, state=state, result=None)
        assert seal(replace(study, confirmed=(odd, *others))).is_open == is_open


def test_one_block_that_was_opened_early_opens_all_and_is_told() -> None:
    merged = merge_blocks([block(0), block(1, open_early=True)])
    assert seal(merged).is_open
    assert "opened early" in seal(merged).describe()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (block(0), "block-0 repeats fresh seed 0 of arm noise: a block needs a --seed of its own"),
        (block(1, epochs=9), "no blocks of one experiment: their epochs are 4 and 9"),
        (block(1, dataset="mnist"), "their dataset are digits and mnist"),
        (block(1, experiment=replace(PLAN, seeds=5)), "their spaces or their plans differ"),
        (block(1, experiment=None), "plans no experiment"),
        (block(1, order=ARMS[:2]), "one of them lacks arm '3x3'"),
        (
            block(1, settings={"off": {"layer": "perturbation", "noise_level": 0.5}}),
            "noise_level of arm 'off' is 0.0 and 0.5",
        ),
        (block(*range(1, 5)), "the blocks hold 5 fresh seeds, and 4 were planned"),
    ],
)
def test_what_is_no_block_of_the_same_experiment_is_refused(other: LoadedStudy, said: str) -> None:
    with pytest.raises(ValueError, match=r"arm|block|studies|study") as refused:
        merge_blocks([block(0), other])
    assert said in str(refused.value)


def test_studies_that_plan_nothing_stay_beside_an_experiment() -> None:
    plain = [replace(block(n), info=replace(block(n).info, experiment=None)) for n in (7, 8)]
    first, merged, second = grouped_blocks([plain[0], block(0), plain[1], block(1)])
    assert (first, second) == (plain[0], plain[1])
    assert merged == merge_blocks([block(0), block(1)])


def test_a_sealed_table_gives_the_study_back(tmp_path: Path) -> None:
    path = tmp_path / "block-sealed.parquet"
    study = block(2, 3, first_fresh_seed=2, open_early=True)
    write_sealed_table(path, study)
    assert read_sealed_table(path) == study
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [None, b"", b"no table at all"])
def test_a_file_that_is_no_sealed_table_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.parquet cannot be used: "):
        read_sealed_table(path)


def test_another_table_is_no_sealed_table(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "study/recording"
    with pytest.raises(ValueError, match="it is no sealed table"):
        read_sealed_table(next(shipped.glob("*.parquet")))
