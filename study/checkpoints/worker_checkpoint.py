"""Checkpoint of what a worker is training."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from study.checkpoints.checkpoint_store import CheckpointStore

if TYPE_CHECKING:
    from pnn_core.training.trainer import Trainer

LONGEST_SHARE = 0.05
"""Share of a worker's time that may go into writing checkpoints."""

WITHIN_EPOCH_SECONDS = 60.0
"""Time that an epoch trains before it is saved half-way."""


class WorkerCheckpoint:
    """Checkpoint of a run: the training runs of all its seeds, in one file.

    Args:
        store: Store of the file.
        name: Name of the file.
        identity: Identity of the training runs: a file of any other is refused.
        clock: Clock, in seconds.
        beside: Number of checkpoints that the worker writes in turn with this one, itself
            included: they share its time.
    """

    def __init__(
        self,
        store: CheckpointStore,
        name: str,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
        beside: int = 1,
    ) -> None:
        self._store = store
        self._name = name
        self._identity = identity
        self._clock = clock
        self._share = LONGEST_SHARE / beside
        self._written = clock()
        self._cost = 0.0
        self._unread = ""
        self._unwritten = ""

    @property
    def unsaved(self) -> str:
        """Reason why it could not be written the last time, or read at first; empty if it was."""
        return self._unwritten or self._unread

    def restore(self, runs: Sequence["Trainer"]) -> None:
        """Take the runs to where they were saved; they stay at their start where nothing is.

        A file that cannot be used costs the work, not the trial: `unsaved` says why.
        """
        import torch

        from pnn_core.training.checkpoint import decode_checkpoint

        cpu = torch.device("cpu")  # not to hold states on a GPU beside the networks
        try:
            content = self._store.load(self._name)
            if content is None:
                return
            states = decode_checkpoint(content, self._identity, cpu)
        except (OSError, ValueError) as error:  # pyarrow's errors, and CheckpointError
            self._unread = f"{self._name} cannot be read, so the trial began anew: {error}"
            return
        for run, state in zip(runs, states, strict=True):
            run.load_state_dict(state)

    @property
    def is_due(self) -> bool:
        """True if writing costs little against the time since it was last done."""
        return self._clock() - self._written >= self._cost / self._share

    @property
    def is_overdue(self) -> bool:
        """True if it is due, and so much time has passed that no epoch's end is waited for."""
        return self.is_due and self._clock() - self._written >= WITHIN_EPOCH_SECONDS

    def save(self, runs: Sequence["Trainer"]) -> None:
        """Write the runs as they are; what cannot be written costs no training: see `unsaved`."""
        from pnn_core.training.checkpoint import encode_checkpoint

        begun = self._clock()
        try:
            content = encode_checkpoint(self._identity, [run.state_dict() for run in runs])
            self._store.save(self._name, content)
            self._unwritten = ""
        except (OSError, ValueError) as error:
            self._unwritten = str(error)
        self._written = self._clock()
        self._cost = self._written - begun
