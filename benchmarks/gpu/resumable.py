"""Training runs that go on from call to call: a state of each that is begun, then its result."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from printed_verdict import say

from pnn_core.config import TrialConfig
from pnn_core.data import Images, TrainingData
from pnn_core.training.checkpoint import CheckpointError, decode_checkpoint, encode_checkpoint
from pnn_core.training.confirmation_run import ConfirmationRun
from pnn_core.training.validated_run import ValidatedRun

Run = ValidatedRun | ConfirmationRun


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training run.

    Attributes:
        name: Name, of which the files are named.
        config: The run.
    """

    name: str
    config: TrialConfig

    @property
    def identity(self) -> str:
        """Text that the states of other runs differ in."""
        return json.dumps(asdict(self.config), sort_keys=True)


class ResumableJobs:
    """Training runs, one after another, as far as the time reaches.

    Args:
        folder: Folder of states and results.
        data: Images to learn from.
        test: Test images, of runs that learn from all others; None for runs that are validated.
        device: Device that trains.
        deadline: Value of `time.perf_counter` at which the run under way is saved and left.
    """

    def __init__(
        self,
        folder: Path,
        data: TrainingData,
        test: Images | None,
        device: torch.device,
        deadline: float,
    ) -> None:
        self._folder = folder
        self._data = data
        self._learned = data.train if test is None else data.joined()
        self._test = test
        self._device = device
        self._deadline = deadline

    def train(self, jobs: Sequence[Job]) -> bool:
        """Train what is left; return True if all runs are done."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return all(self._is_done(job) or self._train(job) for job in jobs)

    def result(self, job: Job) -> dict[str, Any] | None:
        """Return the result of a run of these settings; None if it is not done."""
        with suppress(OSError, ValueError):
            stored = json.loads(self._file(job, "json").read_text(encoding="utf-8"))
            if stored["identity"] == job.identity:
                result: dict[str, Any] = stored["result"]
                return result
        return None

    def _is_done(self, job: Job) -> bool:
        return self.result(job) is not None

    def _train(self, job: Job) -> bool:
        run = self._restored(job)
        while run.epoch < job.config.epochs:
            started = time.perf_counter()
            is_whole = run.next_epoch(lambda: time.perf_counter() > self._deadline)
            self._write(job, "state", encode_checkpoint(job.identity, [run.state_dict()]))
            if is_whole:
                seconds = time.perf_counter() - started
                say(f"{job.name}: epoch {run.epoch}: {_told(run)}, {seconds:.2f} s")
            if time.perf_counter() > self._deadline and run.epoch < job.config.epochs:
                say(f"{job.name}: saved after epoch {run.epoch}; the same command goes on")
                return False
        result = {**_result(run), "arithmetic": run.arithmetic, "fallbacks": list(run.fallbacks)}
        document = json.dumps({"identity": job.identity, "result": result})
        self._write(job, "json", document.encode())
        self._file(job, "state").unlink()
        return True

    def _restored(self, job: Job) -> Run:
        run: Run
        if self._test is None:
            run = ValidatedRun(job.config, self._data, self._device)
        else:
            images = (self._learned, self._test)
            run = ConfirmationRun(job.config, self._data.traits, *images, self._device)
        with suppress(FileNotFoundError):
            try:
                data = self._file(job, "state").read_bytes()
                (state,) = decode_checkpoint(data, job.identity, self._device)
                run.load_state_dict(state)
            except CheckpointError as error:
                say(f"{job.name}: begun anew: {error}")
        return run

    def _file(self, job: Job, ending: str) -> Path:
        return self._folder / f"{job.name.replace(' ', '_')}.{ending}"

    def _write(self, job: Job, ending: str, data: bytes) -> None:
        """Write a file whole or not at all."""
        part = self._file(job, f"{ending}.part")
        part.write_bytes(data)
        part.replace(self._file(job, ending))


def _told(run: Run) -> str:
    """Say what may be looked at before all is done: nothing of test images."""
    if isinstance(run, ConfirmationRun):
        return f"train_loss {run.train_loss:.4f}"
    last = run.results[-1]
    return f"train_loss {last.train_loss:.4f}, val_accuracy {last.val_accuracy:.4f}"


def _result(run: Run) -> dict[str, Any]:
    if isinstance(run, ConfirmationRun):
        found = run.result()
        return {**found.metrics(), "seconds_an_epoch": found.train_seconds / run.epoch}
    seconds = sum(r.train_seconds + r.val_seconds for r in run.results) / run.epoch
    return {**asdict(run.results[-1]), "seconds_an_epoch": seconds}
