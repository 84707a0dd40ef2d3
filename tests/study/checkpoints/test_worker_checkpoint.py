"""A worker saves what it trains, seldom enough, and says what went wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.worker_checkpoint import (
    LONGEST_SHARE,
    WITHIN_EPOCH_SECONDS,
    WorkerCheckpoint,
)


class Counter:
    """Trains nothing: its whole state is how far it is."""

    def __init__(self, steps: int = 0) -> None:
        self.steps = steps

    def state_dict(self) -> dict[str, int]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.steps = state["steps"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class SlowStore:
    """Takes its time on a fake clock."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds

    def save(self, name: str, content: bytes) -> None:
        self._clock.now += self.seconds


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(url=str(tmp_path))


def checkpoint(store: CheckpointStore, identity: str = "a") -> WorkerCheckpoint:
    return WorkerCheckpoint(store, "trial-00000.ckpt", identity)


def test_every_run_goes_on_where_it_was_saved(store: CheckpointStore) -> None:
    checkpoint(store).save([Counter(3), Counter(2)])
    runs = [Counter(), Counter()]
    restored = checkpoint(store)
    restored.restore(runs)
    assert [run.steps for run in runs] == [3, 2]
    assert restored.unsaved == ""


def test_without_a_file_runs_start_at_their_beginning(store: CheckpointStore) -> None:
    run, new = Counter(), checkpoint(store)
    new.restore([run])
    assert (run.steps, new.unsaved) == (0, "")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: content[:-1], "torn or corrupt"),
        (lambda content: b"", "torn or corrupt"),
        (lambda content: content[:99] + b"!" + content[100:], "torn or corrupt"),
    ],
    ids=["torn", "empty", "corrupt"],
)
def test_a_file_that_cannot_be_used_costs_the_work_and_says_so(store, damage, told) -> None:
    checkpoint(store).save([Counter(3)])
    content = store.load("trial-00000.ckpt")
    assert content is not None
    store.save("trial-00000.ckpt", damage(content))
    run, again = Counter(), checkpoint(store)
    again.restore([run])
    assert run.steps == 0
    assert "trial-00000.ckpt cannot be read, so the trial began anew" in again.unsaved
    assert told in again.unsaved
    # The first save comes before the first report, which is to tell it all the same.
    again.save([run])
    assert told in again.unsaved


def test_the_file_of_another_training_run_is_refused(store: CheckpointStore) -> None:
    checkpoint(store, "a").save([Counter(3)])
    run, other = Counter(), checkpoint(store, "b")
    other.restore([run])
    assert run.steps == 0
    assert "belongs to another training run" in other.unsaved


def test_what_cannot_be_written_costs_no_training_and_is_told_until_it_can(tmp_path) -> None:
    store = CheckpointStore(url=str(tmp_path / "later"))
    saved = checkpoint(store)
    saved.save([Counter(1)])
    assert "later" in saved.unsaved
    store.create()
    saved.save([Counter(2)])
    assert saved.unsaved == ""
    run = Counter()
    checkpoint(store).restore([run])
    assert run.steps == 2


@given(
    write=st.floats(0.001, 30),
    epochs=st.lists(st.floats(0.001, 30), min_size=1, max_size=60),
)
def test_writing_takes_a_twentieth_of_the_time_at_most(write: float, epochs: list[float]) -> None:
    clock = Clock()
    store = SlowStore(clock, write)
    saved = WorkerCheckpoint(store, "a", "a", clock)  # type: ignore[arg-type]  # stands for it
    writes = 0
    for seconds in epochs:
        clock.now += seconds
        if saved.is_due:
            saved.save([])
            writes += 1
    # All but the last one, which may be the only one, have been paid for.
    assert (writes - 1) * write <= LONGEST_SHARE * (clock.now - Clock.now) + 1e-6


def test_a_cheap_checkpoint_is_written_after_every_epoch() -> None:
    clock = Clock()
    saved = WorkerCheckpoint(SlowStore(clock, 0.01), "a", "a", clock)  # type: ignore[arg-type]
    for _ in range(5):
        clock.now += 1.0
        assert saved.is_due
        saved.save([])


def test_checkpoints_written_in_turn_share_that_time() -> None:
    clock = Clock()
    saved = WorkerCheckpoint(SlowStore(clock, 1.0), "a", "a", clock, beside=4)  # type: ignore[arg-type]
    saved.save([])
    clock.now += 4 / LONGEST_SHARE - 0.5
    assert not saved.is_due
    clock.now += 1
    assert saved.is_due


def test_a_long_epoch_is_saved_half_way() -> None:
    clock = Clock()
    saved = WorkerCheckpoint(SlowStore(clock, 1.0), "a", "a", clock)  # type: ignore[arg-type]
    clock.now += WITHIN_EPOCH_SECONDS - 1
    assert not saved.is_overdue
    clock.now += 1
    assert saved.is_overdue
    saved.save([])
    assert not saved.is_overdue


def test_a_costly_checkpoint_waits_even_in_a_long_epoch() -> None:
    clock = Clock()
    saved = WorkerCheckpoint(SlowStore(clock, 10.0), "a", "a", clock)  # type: ignore[arg-type]
    saved.save([])
    clock.now += 2 * WITHIN_EPOCH_SECONDS
    assert not saved.is_overdue
    clock.now += 10.0 / LONGEST_SHARE
    assert saved.is_overdue
