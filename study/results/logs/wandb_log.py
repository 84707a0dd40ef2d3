"""Curves of trials as runs of Weights & Biases."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, cast

from pnn_core.config import ParameterValue
from study.results.logs import wandb_program
from study.results.logs.trial_log import LoggedStudy, TrialLog
from study.results.logs.wandb_program import ACCOUNT, RunUpdate, read_ended
from study.results.mask_secrets import mask_password
from study.results.run_record import RunState

ACCOUNT_SECONDS = 60.0
"""Time that wandb may take to say whether it has an account; it asks no server."""


class WandbLog(TrialLog):
    """Hands trials to a process in which wandb writes one run each.

    Nothing here waits for it but `close`. There is no repeating: wandb repeats what its server
    refuses, and a trial that was not written to its end is written by the next life of the study.

    Args:
        study: The study.
    """

    title = "Weights & Biases"

    def __init__(self, study: LoggedStudy) -> None:
        super().__init__(study)
        self._study_id = study.study_id
        self._queue: queue.SimpleQueue[RunUpdate | None] = queue.SimpleQueue()
        self._ended = read_ended(study.folder)
        self._process = _start(str(study.folder), study.name)
        # A daemon: a process that reads nothing must not keep this one alive.
        self._thread = threading.Thread(target=self._hand_over, name="wandb-log", daemon=True)
        self._thread.start()

    @staticmethod
    def command(folder: Path) -> tuple[str, ...]:
        """Return the words of the command that sends what is kept on this machine."""
        return "wandb", "sync", str(folder / "wandb")

    def close(self, seconds: float) -> None:
        """Wait until everything is written, but not for ever, and end the process."""
        self._queue.put(None)
        try:
            self._thread.join(seconds)
        finally:  # also when Ctrl-C ends the wait
            if self._thread.is_alive():
                self.failure = self.failure or f"it was not done within {seconds:g} s"
                self._process.kill()
                self._thread.join(1.0)

    def _is_kept(self, trial: int) -> bool:
        return self._run(trial) in self._ended

    def _open(self, trial: int, parameters: Mapping[str, ParameterValue]) -> None:
        self._queue.put(
            RunUpdate(run=self._run(trial), name=f"trial {trial}", config=dict(parameters))
        )

    def _add(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        self._queue.put(RunUpdate(run=self._run(trial), step=epoch, metrics=dict(metrics)))

    def _end(
        self,
        trial: int,
        parameters: Mapping[str, ParameterValue],
        metrics: Mapping[str, float],
        epochs: int,
        state: RunState,
    ) -> None:
        self._queue.put(
            RunUpdate(
                run=self._run(trial),
                metrics=dict(metrics),
                state=state.value,
                final=state.is_final,
                exit_code=int(state is RunState.FAILED),
            )
        )

    def _run(self, trial: int) -> str:
        return f"{self._study_id}-{trial:04d}"

    def _hand_over(self) -> None:
        """Write to the process what is put into the queue, then read what it answered."""
        with self._process as process:
            told, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            with contextlib.suppress(BrokenPipeError):  # the process ended: its answers say why
                while (update := self._queue.get()) is not None:
                    told.write(json.dumps(asdict(update)) + "\n")
                    told.flush()
            with contextlib.suppress(BrokenPipeError):
                told.close()
            for kind, text in map(json.loads, answers):
                if kind == "address":
                    self.address = mask_password(text)
                else:
                    self.failure = self.failure or mask_password(text)
        if process.returncode:
            self.failure = self.failure or f"its process ended with status {process.returncode}"


def missing_account() -> str:
    """Return what wandb misses to write runs, as the rest of a sentence; empty if nothing is."""
    with _start(ACCOUNT, silent=True) as process:
        try:
            answers, _ = process.communicate(timeout=ACCOUNT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"wandb does not say within {ACCOUNT_SECONDS:g} s whether it has an API key"
    for _, text in map(json.loads, answers.splitlines()):
        return mask_password(text)
    return f"wandb ended with status {process.returncode}" if process.returncode else ""


def _start(*words: str, silent: bool = False) -> subprocess.Popen[str]:
    """Start wandb's program, which hears no Ctrl-C of this one's terminal."""
    environment = {"WANDB_ERROR_REPORTING": "false", **os.environ}
    if silent:  # to ask no server whose key it is
        environment["WANDB_SILENT"] = "true"
    return subprocess.Popen(  # noqa: S603  # this interpreter, a file of this package
        [sys.executable, "-P", wandb_program.__file__, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,
    )
