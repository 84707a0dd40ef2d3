"""Weights of the front's trials and of all confirmed runs, kept in the study's folder."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from study.checkpoints.background_work import BackgroundWork
from study.checkpoints.checkpoint_store import CheckpointStore
from study.results.kept_weights import KeptWeights
from study.results.limit import Limits
from study.results.objective import Objective
from study.results.pareto import front
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.weight_files import PREFIX, picture_files, weight_files
from study.results.whole_file import write_whole

FETCHING_SECONDS = 60.0
"""Time that a store which stands still may hold up what follows a search or a confirmation."""


class WeightsKeeper(RunListener):
    """Fetches the weights that workers leave in the store of checkpoints, and drops the others.

    A listener of the driver. A trial that leaves the front loses its file at once, so that the
    files are as many as the front is large, and those of the confirmed runs.

    Args:
        store: Store in which workers leave the files.
        folder: Folder to keep them in; made with the first file.
        objectives: Objectives of the study.
        limits: Limits of the study.

    Attributes:
        failure: Reason why the last file that could not be fetched was not; empty if all were.
    """

    def __init__(
        self,
        store: CheckpointStore,
        folder: Path,
        objectives: tuple[Objective, ...],
        limits: Limits = (),
    ) -> None:
        self._store = store
        self._folder = folder
        self._objectives = objectives
        self._limits = limits
        self._front: tuple[RunRecord, ...] = ()
        self._confirmed: dict[RunKey, RunRecord] = {}
        self._work = BackgroundWork("weights-keeper")
        self.failure = ""

    def run_restored(self, record: RunRecord) -> None:
        """Count a run of an earlier life; `sweep` sees to its files."""
        self._take(record)

    def run_ended(self, record: RunRecord) -> None:
        """Fetch the weights of a run that is to be kept; drop those of trials that it beats."""
        files = _files(record)
        dropped = {name for gone in self._take(record) for name in _files(gone)}
        if dropped:
            self._work.put(lambda: self._drop(dropped))
        if kept := [name for name in files if name not in dropped]:
            self._work.put(lambda: self._fetch(kept))

    def sweep(self) -> None:
        """Bring the files to where the runs are that were restored: fetch, and drop what is left.

        A driver that was killed may have left either undone. Waits, because a run that goes on may
        write a file of the same name as one that is left.
        """
        kept = {name for record in self._kept() for name in _files(record)}

        def work() -> None:
            waiting = self._names_in_store()
            self._fetch(waiting & kept)
            self._drop((waiting | self._names_here()) - kept)

        self._work.put(work)
        self._work.wait(FETCHING_SECONDS)

    def kept(self) -> KeptWeights:
        """Return what is kept, once all that was left to do is done."""
        if not self._work.wait(FETCHING_SECONDS):
            self.failure = f"the place for checkpoints did not answer within {FETCHING_SECONDS:g} s"
        files: dict[RunKey, tuple[Path, ...]] = {}
        sizes: dict[RunKey, int] = {}
        lacking = []
        for record in self._kept():
            paths = tuple(self._folder / name for name in weight_files(record))
            if paths and all(path.is_file() for path in paths):
                pictures = (self._folder / name for name in picture_files(record))
                paths += tuple(path for path in pictures if path.is_file())
                files[record.key] = paths
                sizes[record.key] = sum(path.stat().st_size for path in paths)
            else:
                lacking.append(record.key)
        return KeptWeights(folder=self._folder, files=files, sizes=sizes, lacking=tuple(lacking))

    def close(self) -> None:
        """Wait until everything is done, but not for ever."""
        self._work.close()

    def _take(self, record: RunRecord) -> list[RunRecord]:
        """Take up a run that ended, and return those whose weights are not kept any more."""
        if record.key.is_tuning:
            return []
        if record.key.is_confirmation:
            if record.state is RunState.COMPLETE:
                self._confirmed[record.key] = record
            return []
        # A trial that one of the front beats is beaten by the front of all, too.
        rivals = (*self._front, record)
        self._front = front(rivals, self._objectives, self._limits)
        on_front = {rival.key for rival in self._front}
        return [rival for rival in rivals if rival.key not in on_front]

    def _kept(self) -> tuple[RunRecord, ...]:
        trials = sorted(self._front, key=lambda record: record.key)
        return (*trials, *(self._confirmed[key] for key in sorted(self._confirmed)))

    def _fetch(self, names: Iterable[str]) -> None:
        try:
            for name in sorted(names):
                content = self._store.load(name)
                if content is not None:
                    self._folder.mkdir(exist_ok=True)
                    write_whole(self._folder / name, content, private=True)
                    self._store.delete(name)
        except OSError as error:
            self.failure = str(error)

    def _drop(self, names: Iterable[str]) -> None:
        for name in sorted(names):
            (self._folder / name).unlink(missing_ok=True)
            self._store.delete(name)

    def _names_in_store(self) -> set[str]:
        return {name for name in self._store.names() if name.startswith(PREFIX)}

    def _names_here(self) -> set[str]:
        names: set[str] = set()
        with contextlib.suppress(FileNotFoundError):
            names = {path.name for path in self._folder.iterdir()}
        return {name for name in names if name.startswith(PREFIX)}


def _files(record: RunRecord) -> tuple[str, ...]:
    """Return the names of a run's weights, and of the pictures beside them."""
    return (*weight_files(record), *picture_files(record))
