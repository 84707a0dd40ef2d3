"""The journal file survives what kills its writer or fills its disk."""

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import optuna
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from study.config import JOURNAL
from study.results.run_record import RunState
from study.search.optuna_storage import StorageError, StudyStorage

ANY_PLACE = st.floats(min_value=0, max_value=1)


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """As on a disk that fills: the system writes what has room, and refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ANY_PLACE)
@example(0.0)
@example(1.0)
def test_a_journal_cut_anywhere_opens_with_all_its_whole_lines_and_takes_new_ones(
    make_config, live, where: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(output=Path(folder))
        first = live(config)
        for _ in range(2):
            first.complete(first.propose())
        journal = config.output / JOURNAL
        content = journal.read_bytes()
        cut = content[: round(where * len(content))]
        journal.write_bytes(cut)

        again = live(config)
        whole = cut[: cut.rfind(b"\n") + 1]
        assert journal.read_bytes().startswith(whole)
        kept = {r.number: r for r in first.records}
        for number, _ in again.heard.of("restored"):
            assert again.records[number] == kept[number]
        while again.manager.has_work():
            again.complete(again.propose())
        assert [r.number for r in again.records] == [0, 1, 2]
        assert [r.parameters for r in again.records[:2]] == [r.parameters for r in first.records]
        assert live(config).records == again.records


def test_a_lock_that_a_killed_writer_left_costs_no_wait(make_config, live) -> None:
    config = make_config()
    live(config).propose()
    journal = config.output / JOURNAL
    (config.output / f"{JOURNAL}.lock").symlink_to(journal)  # as Optuna's own lock
    started = time.monotonic()
    live(config).propose()
    assert time.monotonic() - started < 5  # Optuna itself would wait for half a minute


@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_disk_that_fills_is_one_clear_sentence_and_costs_nothing_saved(
    make_config, live, room: int
) -> None:
    config = make_config()
    life = live(config)
    life.complete(life.propose())
    journal = config.output / JOURNAL
    saved = journal.read_bytes()
    life.train(life.propose(), epochs=2)
    begun = journal.stat().st_size
    with (
        no_file_beyond(begun + room),
        pytest.raises(StorageError, match=rf"{JOURNAL}: file too large$"),
    ):
        life.stop(1)
    # There is room again, but nothing may follow half a line.
    with pytest.raises(StorageError, match="file too large"):
        life.fail(1, "not stored", would_recur=False)
    assert journal.stat().st_size == begun + room
    assert journal.read_bytes().startswith(saved)
    assert life.heard.of("ended") == [(0, RunState.COMPLETE)]

    again = live(config)
    assert again.heard.of("restored") == [(0, RunState.COMPLETE)]
    while again.manager.has_work():
        again.complete(again.propose())
    assert again.optuna_states() == ["COMPLETE"] * 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what is read-only")
def test_a_read_only_journal_is_refused_by_name(make_config) -> None:
    config = make_config()
    StudyStorage(config)
    (config.output / JOURNAL).chmod(0o400)
    with pytest.raises(StorageError, match=f"{JOURNAL}: permission denied"):
        StudyStorage(config)


def test_two_studies_in_one_folder_of_folders_do_not_meet(make_config, live, tmp_path) -> None:
    lives = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        config = replace(make_config(), name=name, output=tmp_path / name, seed=ord(name))
        lives.append(live(config))
    for _ in range(2):
        for life in lives:
            life.complete(life.propose())
    for life in lives:
        assert live(life.config).records == life.records


def test_a_trial_of_one_epoch_waits_for_the_disk_three_times(make_config, live) -> None:
    """When it is proposed, taken up and ended."""
    life = live(make_config())
    with patch.object(os, "fsync", wraps=os.fsync) as synced:
        life.complete(life.propose())
    assert synced.call_count == 3


def test_what_is_held_back_is_written_also_where_an_error_ends_the_block(make_config) -> None:
    config = make_config()
    storage = StudyStorage(config)
    before = (config.output / JOURNAL).read_bytes()
    with pytest.raises(ZeroDivisionError), storage.together():
        storage.study.set_user_attr("kept", 1)
        assert (config.output / JOURNAL).read_bytes() == before
        assert storage.study.user_attrs["kept"] == 1
        raise ZeroDivisionError
    assert StudyStorage(config).study.user_attrs["kept"] == 1


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(["ours", "ours together", "another's"]), max_size=8))
@example(["another's", "ours together", "another's", "ours together", "ours"])
def test_what_other_programs_write_between_is_read_once_and_in_order(
    make_config, turns: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(output=Path(folder))
        storage = StudyStorage(config)
        journal = JournalFileBackend(str(config.output / JOURNAL))
        other = optuna.load_study(study_name=config.name, storage=JournalStorage(journal))
        for turn, who in enumerate(turns):
            if who == "another's":
                other.enqueue_trial({"turn": turn})
            elif who == "ours":
                storage.study.enqueue_trial({"turn": turn})
            else:
                with storage.together():
                    storage.study.enqueue_trial({"turn": turn})
                    storage.study.set_user_attr(f"turn {turn}", turn)
                    assert len(storage.trials()) == turn + 1
        fresh = StudyStorage(config)
        for study in (storage.study, other, fresh.study):
            points = [t.system_attrs["fixed_params"] for t in study.get_trials()]
            assert points == [{"turn": turn} for turn in range(len(turns))]
        assert storage.study.user_attrs == fresh.study.user_attrs
