"""Weights of the front and of confirmed runs are kept, whatever a kill left undone."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import ConfirmResult, Costs, EpochResult
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.weights_keeper import WeightsKeeper
from study.results.objective import parse_objectives
from study.results.pareto import front
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.weight_files import picture_files, weight_file, weight_files

OBJECTIVES = parse_objectives("val_accuracy,learnable_params")
OTHER = "trial-00001.ckpt"
TUNING = RunKey(0, "conv3x3", 7, grid_point=2)


def trial(number: int, accuracy: float, params: int, state=RunState.COMPLETE) -> RunRecord:
    result = EpochResult(
        epoch=1, train_loss=1, val_loss=1, val_accuracy=accuracy, train_seconds=1, val_seconds=1
    )
    return RunRecord(
        key=RunKey(number),
        state=state,
        parameters={"seed": 10 * number},
        costs=Costs(learnable_params=params, mask_values=1, macs=1),
        replicates=((result,), (result,)),
    )


def confirmed(seed: int) -> RunRecord:
    result = ConfirmResult(
        train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.91, train_seconds=2.0
    )
    key = RunKey(0, "conv3x3", seed)
    return RunRecord(key=key, state=RunState.COMPLETE, parameters={}, result=result)


points = st.lists(
    st.builds(
        trial,
        st.just(0),
        st.sampled_from([0.1, 0.2, 0.3]),
        st.integers(1, 3),
        st.sampled_from([RunState.COMPLETE, RunState.COMPLETE, RunState.FAILED]),
    ),
    max_size=6,
).map(
    lambda made: [
        trial(n, r.replicates[0][0].val_accuracy, r.costs.learnable_params, r.state)
        for n, r in enumerate(made)
    ]
)


def content(name: str) -> bytes:
    return f"of {name}".encode()


class Place:
    """A study's folder and the store of its checkpoints."""

    def __init__(self, root: str) -> None:
        self.folder = Path(root, "weights")
        self.store = CheckpointStore(url=str(Path(root, "store")))
        self.store.create()
        self.store.save(OTHER, b"")

    def keeper(self) -> WeightsKeeper:
        return WeightsKeeper(self.store, self.folder, OBJECTIVES)

    def here(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()

    def require(self, names: set[str]) -> None:
        """The folder holds these, and the store nothing but what is not ours."""
        assert self.here() == names
        assert self.store.names() == [OTHER]
        assert all((self.folder / name).read_bytes() == content(name) for name in names)


def kept_names(trials: list[RunRecord], runs: list[RunRecord]) -> set[str]:
    return {name for r in (*front(trials, OBJECTIVES), *runs) for name in weight_files(r)}


@given(trials=points)
def test_after_each_trial_the_files_are_those_of_the_front(trials: list[RunRecord]) -> None:
    with tempfile.TemporaryDirectory() as root:
        place = Place(root)
        keeper = place.keeper()
        done: list[RunRecord] = []
        for record in [*trials, *map(confirmed, (1, 2))]:
            for name in weight_files(record):
                place.store.save(name, content(name))
            keeper.run_ended(record)
            done.append(record)
            kept = keeper.kept()
            runs = [r for r in done if r.layer]
            expected = kept_names([r for r in done if not r.layer], runs)
            place.require(expected)
            assert {p.name for files in kept.files.values() for p in files} == expected
            assert kept.total_bytes == sum(len(content(name)) for name in expected)
            assert kept.lacking == ()
        keeper.close()


@given(trials=points, data=st.data())
def test_whatever_a_kill_left_undone_is_done_at_the_next_start(trials, data) -> None:
    runs = [confirmed(1), confirmed(2)]
    every = [weight_file(r.key, s) for r in trials for s in (10 * r.number, 10 * r.number + 1)]
    every += [name for r in runs for name in weight_files(r)] + [weight_file(RunKey(9), 90)]
    names = st.sets(st.sampled_from(every))
    in_store, here = data.draw(names), data.draw(names)
    with tempfile.TemporaryDirectory() as root:
        place = Place(root)
        place.folder.mkdir()
        for name in in_store:
            place.store.save(name, content(name))
        for name in here:
            (place.folder / name).write_bytes(content(name))
        keeper = place.keeper()
        for record in (*trials, *runs):
            keeper.run_restored(record)
        keeper.sweep()
        kept = keeper.kept()
        keeper.close()
        wanted = kept_names(trials, runs)
        place.require(wanted & (in_store | here))
        lacking = [r.key for r in (*front(trials, OBJECTIVES), *runs)]
        lacking = [k for k in lacking if k not in kept.files]
        assert {*kept.lacking} == {*lacking}
        assert f"{len(lacking)} run" in kept.describe() or not lacking


def test_a_run_that_tunes_a_network_has_no_weights(tmp_path: Path) -> None:
    keeper = Place(str(tmp_path)).keeper()
    result = trial(0, 0.5, 1)
    keeper.run_ended(
        RunRecord(
            key=TUNING,
            state=RunState.COMPLETE,
            parameters={"seed": 7},
            replicates=result.replicates,
        )
    )
    kept = keeper.kept()
    keeper.close()
    assert (kept.files, kept.lacking) == ({}, ())


def test_a_full_disk_costs_the_files_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(str(tmp_path))
    place.folder.write_bytes(b"in the way")
    record = trial(0, 0.5, 1)
    for name in weight_files(record):
        place.store.save(name, content(name))
    keeper = place.keeper()
    keeper.run_ended(record)
    assert keeper.kept().lacking == (record.key,)
    keeper.close()
    assert "weights" in keeper.failure
    place.folder.unlink()
    again = place.keeper()
    again.run_restored(record)
    again.sweep()
    assert set(weight_files(record)) == place.here()
    again.close()


def test_pictures_of_a_detector_come_and_go_with_its_weights_and_are_not_missed(tmp_path) -> None:
    store = CheckpointStore(url=str(tmp_path / "store"))
    store.create()
    keeper = WeightsKeeper(store, tmp_path / "weights", OBJECTIVES)
    worse, better = (
        replace(each, parameters={**each.parameters, "canvas": 64})
        for each in (trial(0, 0.1, 2), trial(1, 0.2, 1))
    )
    assert len(picture_files(worse)) == 2
    for record in (worse, better):
        for name in (*weight_files(record), *picture_files(record)):
            store.save(name, b"content")
    keeper.run_ended(worse)
    keeper.kept()
    assert {path.name for path in (tmp_path / "weights").iterdir()} >= {*picture_files(worse)}
    keeper.run_ended(better)
    kept = keeper.kept()
    files = {path.name for path in (tmp_path / "weights").iterdir()}
    assert files == {*weight_files(better), *picture_files(better)}
    assert {path.name for path in kept.files[better.key]} == files
    for name in picture_files(better):  # as in a study of an earlier version
        (tmp_path / "weights" / name).unlink()
    assert keeper.kept().lacking == ()
    assert picture_files(trial(0, 0.1, 2)) == ()
    keeper.close()
