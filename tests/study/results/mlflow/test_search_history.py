"""The study's own run shows the search in MLflow's charts, each step once whatever breaks off."""

import math
from dataclasses import replace

import moocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import Costs, EpochResult
from study.execution.next_commands import with_runs_address
from study.results.limit import parse_limits
from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.search_history import HYPERVOLUME, SearchHistory
from study.results.mlflow.store import MlflowStore
from study.results.mlflow.study_note import is_ours, runs_address, study_note
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd, summarise

OBJECTIVES = parse_objectives("val_accuracy,learnable_params")

BEST_ACCURACY = "best_val_accuracy"


def trial(number: int, accuracy: float, params: int, state=RunState.COMPLETE) -> RunRecord:
    last = EpochResult(
        epoch=1,
        train_loss=1.0,
        val_loss=1.0,
        val_accuracy=accuracy,
        train_seconds=1.0,
        val_seconds=1.0,
    )
    return RunRecord(
        key=RunKey(number),
        state=state,
        parameters={},
        costs=Costs(learnable_params=params, mask_values=0, macs=1),
        replicates=((last,),),
        started_ms=1000,
        ended_ms=2000 + number,
    )


trials = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(1, 10**6),
        st.sampled_from([RunState.COMPLETE, RunState.PRUNED, RunState.FAILED]),
    ),
    min_size=1,
    max_size=12,
)


@given(found=trials)
def test_each_step_is_the_hypervolume_and_the_best_accuracy_of_the_trials_so_far(found) -> None:
    history = SearchHistory(OBJECTIVES)
    records = [trial(n, *values) for n, values in enumerate(found)]
    for record in records:
        history.add(record)
    points = {(point.name, point.step): point.value for point in history.points()}
    assert len(points) == len(history) <= 2 * len(records)
    for ended in range(1, len(records) + 1):
        complete = [r for r in records[:ended] if r.state is RunState.COMPLETE]
        values = [(r.epochs[-1].val_accuracy, r.costs.learnable_params) for r in complete]
        if not values:
            assert points[HYPERVOLUME, ended] == 0
            assert (BEST_ACCURACY, ended) not in points
            continue
        first = values[0][1]
        gains = [(a, math.log10(10 * first / p)) for a, p in values if p < 10 * first]
        expected = moocore.hypervolume(gains, ref=0, maximise=True) if gains else 0
        assert points[HYPERVOLUME, ended] == pytest.approx(expected)
        assert points[BEST_ACCURACY, ended] == max(accuracy for accuracy, _ in values)


def test_what_is_beyond_a_limit_counts_nothing() -> None:
    history = SearchHistory(OBJECTIVES, parse_limits("learnable_params<=100"))
    for record in (trial(0, 0.9, 1000), trial(1, 0.5, 100), trial(2, 0.99, 101)):
        history.add(record)
    found = {(point.name, point.step): point.value for point in history.points()}
    assert found == {
        (HYPERVOLUME, 1): 0,
        (HYPERVOLUME, 2): 0.5,
        (BEST_ACCURACY, 2): 0.5,
        (HYPERVOLUME, 3): 0.5,
        (BEST_ACCURACY, 3): 0.5,
    }


@given(found=trials, lived=st.integers(0, 12))
def test_a_later_life_goes_on_with_the_same_steps(found, lived: int) -> None:
    records = [trial(n, *values) for n, values in enumerate(found)]
    whole, resumed = SearchHistory(OBJECTIVES), SearchHistory(OBJECTIVES)
    for record in records:
        whole.add(record)
    last = min(lived, len(records) - 1)
    for record in reversed(records[:last]):
        resumed.restore(record)
    assert not resumed.points()  # before all that is restored is known
    for record in records[last:]:
        resumed.add(record)
    assert resumed.points() == whole.points()


def test_a_resumed_study_doubles_no_step_and_its_dataset_and_note_are_there(
    sqlite_uri, info
) -> None:
    records = [trial(n, 0.5 + n / 10, 1000 - n) for n in range(4)]
    for before, now in ((records[:0], records[:2]), (records[:2], records[2:])):
        opened = MlflowStore(sqlite_uri).open_study(info, lambda: "ab" * 32)
        writer = MlflowWriter(opened, collect_seconds=0.01)
        for record in before:
            writer.run_restored(record)
        for record in now:
            writer.run_started(
                replace(record, state=RunState.RUNNING, replicates=(), ended_ms=None)
            )
            writer.run_ended(record)
        summary = summarise([*before, *now], info.objectives, info.limit)
        writer.study_ended(summary, [], StudyEnd.FINISHED)
        assert not writer.close(30).error
    with MlflowConnection(sqlite_uri).call() as client:
        parent = client.get_run(opened.parent_run_id)
        for name in (HYPERVOLUME, BEST_ACCURACY):
            history = client.get_metric_history(parent.info.run_id, name)
            assert [point.step for point in history] == [1, 2, 3, 4]
    (dataset,) = parent.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == (info.dataset, "ab" * 18)
    assert parent.data.tags["mlflow.note.content"] == study_note(info, summary)
    assert parent.data.tags["mlflow.source.name"] == "python -m study.run"


def test_a_note_that_a_person_wrote_is_left_alone(info) -> None:
    assert is_ours(study_note(info))
    assert is_ours("")
    assert not is_ours("Do not delete: figures of the paper")


def test_the_address_opens_the_table_of_runs_without_a_password() -> None:
    runs = "/#/experiments/7/runs?workflowType=machine_learning"
    assert runs_address("https://u:***@host:5000/mlflow/", "7") == f"https://host:5000/mlflow{runs}"
    told = with_runs_address({"MLflow": "mlflow ui", "More": "x"}, "sqlite:///a.db", "7")
    assert [*told.items()] == [
        ("MLflow", "mlflow ui"),
        ("Runs", f"http://127.0.0.1:5000{runs}"),
        ("More", "x"),
    ]
    assert with_runs_address(told, "http://host", "7")["MLflow"] == f"http://host{runs}"
    assert with_runs_address({"MLflow": "mlflow ui"}, "sqlite:///a.db", "") == {
        "MLflow": "mlflow ui"
    }
