"""Places of a cluster for Tune's trials, where GPUs may hold different numbers of them."""

import contextlib
import time
from collections import Counter
from typing import Any

from ray import tune
from ray.exceptions import RayError

from study.engine.cluster.private_ray import draining_nodes
from study.engine.cluster.trial_resources import TrialResources, concurrent_trials

GPUS = "gpus"
"""Key of Tune's config for the number of GPUs, or the fraction of one, that a trial takes."""

OPEN_IN_A_PLACE = 2
"""Trials for each place: one that trains and one that waits, so that no worker does."""

WAITING_SECONDS = 30.0
"""Time that a trial waits for its kind of GPUs, as where another study holds them, before it goes
to others that are idle."""

LOOK_SECONDS = 1.0
"""Time between two looks at the nodes that are there."""


class Places:
    """Chooses on which kind of GPUs each of Tune's trials runs, before its runs are proposed.

    Tune asks Ray for what a trial takes when it is proposed, and an actor is handed on among trials
    that take the same. So the kind is chosen then: the one that has least to do for its places.
    Where all GPUs are alike there is nothing to choose, and Ray takes a trial to any node.

    Args:
        resources: Resources of each trial.
    """

    def __init__(self, resources: TrialResources) -> None:
        self._shares = {share.gpus: share for share in resources.shares}
        self._open: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self._trained_at: dict[float, float] = {}
        self._idle: float | None = None
        self._next: float | None = None
        self._room: dict[float, int] = {}
        self._looked_at = -LOOK_SECONDS

    def choose(self) -> float | None:
        """Return what the next trial takes of a GPU; None while all places have enough to do."""
        fewest = [*self._shares][-1]
        if len(self._shares) == 1 or not any(self._look().values()):
            return fewest  # fits everywhere, also where nodes join
        if self._next is not None:
            gpus, self._next = self._next, None
            return gpus
        busy = Counter(self._open.values())
        free = {
            gpus: busy[gpus] / places
            for gpus, places in self._room.items()
            if busy[gpus] < OPEN_IN_A_PLACE * places
        }
        return min(free, key=free.__getitem__, default=None)

    def take(self, trial_id: str, gpus: float) -> None:
        """Note that a trial of Tune's is to run on such GPUs."""
        self._open[trial_id] = gpus
        self._since[trial_id] = time.monotonic()
        self._idle = None

    def trained(self, gpus: float) -> None:
        """Note that a trial on such GPUs has reported: they are there, and not held by others."""
        self._trained_at[gpus] = time.monotonic()

    def lack(self, gpus: float) -> None:
        """Note that nothing is left to propose for such GPUs."""
        self._idle = gpus

    def leave(self, trial_id: str) -> None:
        """Note that a trial of Tune's is over."""
        self._open.pop(trial_id, None)
        self._since.pop(trial_id, None)

    def has_better(self, trial_id: str) -> bool:
        """Return True if a trial waits while other GPUs have nothing to do.

        Those have trained something while it waited: other studies may hold GPUs, and a trial would
        be passed to and fro between two kinds that are held. The next one is chosen for them.
        """
        mine, idle = self._open.get(trial_id), self._idle
        if mine is None or idle in (None, mine):
            return False
        busy, room = Counter(self._open.values()), self._look()
        since = self._since[trial_id]
        is_late = time.monotonic() - since >= WAITING_SECONDS
        is_idle = busy[idle] < room.get(idle, 0) and self._trained_at.get(idle, 0.0) > since
        if not is_idle or not (is_late or busy[mine] > room.get(mine, 0)):
            return False
        self._idle, self._next = None, idle
        return True

    def are_gone(self, gpus: float) -> bool:
        """Return True if no node has such GPUs any more, while others can train."""
        if len(self._shares) == 1:
            return False
        room = self._look()
        return not room.get(gpus) and any(room.values())

    def requests(self) -> dict[float, tune.PlacementGroupFactory]:
        """Return Tune's request for a trial by what it takes of a GPU."""
        return {gpus: _request(share) for gpus, share in self._shares.items()}

    def _look(self) -> dict[float, int]:
        """Count the places on the nodes that are there and stay."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            with contextlib.suppress(RayError):  # the head may be out of reach for a while
                leaving = draining_nodes()
                self._room = {
                    gpus: concurrent_trials(share, without=leaving)
                    for gpus, share in self._shares.items()
                }
            self._looked_at = time.monotonic()
        return self._room


def _request(share: TrialResources) -> tune.PlacementGroupFactory:
    labelled: dict[str, Any] = {}
    if share.selector:
        labelled["bundle_label_selector"] = [share.selector]
    return tune.PlacementGroupFactory([share.bundle], **labelled)
