"""A table is made of a study's complete trials alone."""

from dataclasses import replace

import pytest

from study.recording.recording import table_of
from study.recording.table import Configuration
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo

MS_2026 = 1_767_225_600_000  # midnight of 1 January, UTC
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def info(make_table) -> StudyInfo:
    return StudyInfo(
        name="small-1",
        study_id="0" * 32,
        space="small",
        dataset="digits",
        seed=0,
        trials=3,
        epochs=4,
        replicates=2,
        confirm=0,
        sampler="grid",
        scheduler="fifo",
        objectives=parse_objectives("val_accuracy"),
        git_commit="abc",
        versions={"torch": "2.14.1"},
        images=make_table().shape,
    )


@pytest.fixture
def records(make_table) -> list[RunRecord]:
    return [
        RunRecord(
            key=RunKey(c.number),
            state=RunState.COMPLETE,
            parameters={**c.parameters, "seed": c.first_seed, "epochs": 4},
            costs=c.costs,
            replicates=c.curves,
            started_ms=MS_2026,
            ended_ms=MS_2026 + c.number * DAY_MS,
        )
        for c in make_table().configurations[:3]
    ]


def recorded(info, records, space):
    return table_of(info, records, space, command="study.run …", processor="made up")


def test_complete_trials_become_configurations(info, records, small_space, make_table) -> None:
    table = recorded(info, records, small_space)
    assert table.configurations == make_table().configurations[:3]
    assert (table.epochs, table.replicates, table.dataset) == (4, 2, "digits")
    provenance = table.provenance
    assert (provenance.git_commit, provenance.versions) == ("abc", {"torch": "2.14.1"})
    assert provenance.recorded == ("2026-01-01", "2026-01-03")


@pytest.mark.parametrize("state", sorted({*RunState} - {RunState.COMPLETE}))
def test_other_trials_are_left_out(info, records, small_space, state) -> None:
    records[1] = replace(records[1], state=state)
    table = recorded(info, records, small_space)
    assert [c.number for c in table.configurations] == [0, 2]


def test_a_study_without_complete_trials_makes_no_table(info, small_space) -> None:
    with pytest.raises(ValueError, match="small-1 has no complete trial"):
        recorded(info, [], small_space)


def test_a_pause_of_the_machine_does_not_make_a_configuration_slow(make_table) -> None:
    configuration: Configuration = make_table().configurations[0]
    first, second = configuration.curves
    held = replace(first[2], train_seconds=300.0)
    paused = replace(configuration, curves=((*first[:2], held, *first[3:]), second))
    assert paused.epoch_seconds == configuration.epoch_seconds == 1.0


def test_values_are_means_over_all_seeds_after_the_last_epoch(make_table) -> None:
    configuration = make_table().configurations[0]  # 4 masks, noise level 0.01
    values = configuration.values(parse_objectives("val_accuracy,learnable_params"))
    assert values == pytest.approx((0.4 + 0.12 + 0.001 + 0.005, 400))
