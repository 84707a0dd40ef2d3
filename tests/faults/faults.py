"""What can happen to a study, and which of it happens to a round, drawn from the round's seed."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One thing that goes wrong, in the words of the table."""

    KILL_DRIVER = "SIGKILL of the driver"
    KILL_WORKER = "SIGKILL of a trial's worker"
    KILL_RAYLET = "SIGKILL of the raylet"
    INTERRUPT = "SIGINT"
    TERMINATE = "SIGTERM"
    INTERRUPT_TWICE = "SIGINT twice"
    FREEZE_TRACKER = "tracker stopped for seconds"
    RESTART_TRACKER = "tracker killed, restarted later"
    LOSE_TRACKER = "tracker killed for good"
    DELETE_PARENT = "study's run deleted in MLflow"
    DELETE_RUN = "trial's run deleted in MLflow"
    RENAME = "experiment renamed in MLflow"
    EMPTY_JOURNAL = "journal emptied after a kill"
    DAMAGE_OPERATORS = "operators damaged after a kill"
    FILL_DISK = "disk full"
    READ_ONLY = "study folder read-only"
    MOVE_FOLDER = "study folder moved away"
    EXCEPTION = "exception in a trial"
    NAN = "NaN in a trial"
    MEMORY = "memory hog, killed by Ray"


INJECTED = {Fault.EXCEPTION: "exception", Fault.NAN: "nan", Fault.MEMORY: "memory"}
"""Faults within a trial, and the file that arms each (see `injected/sitecustomize.py`)."""

ATTEMPTS_COST = {Fault.KILL_WORKER: 1, Fault.KILL_RAYLET: 1, Fault.EXCEPTION: 1, Fault.MEMORY: 2}
"""At most, of one trial: Ray may end, with the hog, the waiting worker that would try it again."""
ATTEMPTS_SPENT = 2
"""A third one could meet the same trial, which would then fail as it should."""

IN_MLFLOW = (Fault.DELETE_PARENT, Fault.DELETE_RUN, Fault.RENAME)
"""Faults of the mirror alone, by the hand of somebody who tidies up there."""

OUTSIDE = (Fault.FREEZE_TRACKER, Fault.RESTART_TRACKER, Fault.LOSE_TRACKER, *IN_MLFLOW)
"""Faults that leave training alone."""

MENDED_BY_A_RESUME = (Fault.LOSE_TRACKER, *IN_MLFLOW)
"""Faults after which a study that has ended well is resumed once more, to fill its tracker."""

NEEDS_OWN_DISK = (Fault.FILL_DISK, Fault.READ_ONLY)

STATUSES: dict[Fault, tuple[int, ...]] = {
    Fault.KILL_DRIVER: (-9,),
    Fault.INTERRUPT: (130,),
    Fault.TERMINATE: (130,),
    Fault.INTERRUPT_TWICE: (130,),
    Fault.FILL_DISK: (1,),
    Fault.READ_ONLY: (1,),
    Fault.MOVE_FOLDER: (1,),
    Fault.KILL_RAYLET: (1,),
    Fault.EMPTY_JOURNAL: (-9,),
    Fault.DAMAGE_OPERATORS: (-9,),
}
"""How a driver may end that such a fault struck; the others let it end with 0."""

AT_ONCE = {Fault.INTERRUPT: 15.0, Fault.TERMINATE: 15.0, Fault.INTERRUPT_TWICE: 15.0}
"""Seconds within which the driver must have ended."""


EACH_ONCE = (
    (Fault.KILL_WORKER, Fault.FREEZE_TRACKER, Fault.KILL_DRIVER, Fault.FILL_DISK),
    (Fault.EXCEPTION, Fault.INTERRUPT, Fault.RESTART_TRACKER, Fault.KILL_RAYLET),
    (Fault.MOVE_FOLDER, Fault.TERMINATE, Fault.NAN, Fault.LOSE_TRACKER),
    (Fault.READ_ONLY, Fault.INTERRUPT_TWICE, Fault.MEMORY),
    (Fault.DELETE_RUN, Fault.DAMAGE_OPERATORS, Fault.DELETE_PARENT),
    (Fault.RENAME, Fault.EMPTY_JOURNAL),
)
"""The rounds of the first seeds, in which each kind comes once."""


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A fault and its moment.

    Attributes:
        fault: What happens.
        in_start_up: Whether the moment lies before the first training step.
        moment: In [0, 1], of the start-up or of the time that training takes.
    """

    fault: Fault
    in_start_up: bool
    moment: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that happens in a round.

    Attributes:
        seed: What it was drawn from.
        strikes: In the order in which they come, none before the one before it.
        confirm: Whether the study confirms its front.
    """

    seed: int
    strikes: tuple[Strike, ...]
    confirm: bool

    def __str__(self) -> str:
        """One line for a person."""
        faults = ", then ".join(
            f"{s.fault} {'in start-up ' if s.in_start_up else ''}at {s.moment:.2f}"
            for s in self.strikes
        )
        return f"seed {self.seed}{', confirming' if self.confirm else ''}: {faults}"

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What happens, without the moments."""
        return tuple(strike.fault for strike in self.strikes)


def draw_plan(seed: int) -> Plan:
    """One to three faults of different kinds, or what `EACH_ONCE` has for a small seed."""
    if seed < len(EACH_ONCE):
        return plan_of(EACH_ONCE[seed], seed, confirm=seed == 0)
    draw = random.Random(seed)
    wanted = draw.randint(1, 3)
    faults: list[Fault] = []
    for fault in draw.sample(list(Fault), len(Fault)):
        spent = sum(ATTEMPTS_COST.get(f, 0) for f in [*faults, fault])
        if len(faults) < wanted and (fault not in ATTEMPTS_COST or spent <= ATTEMPTS_SPENT):
            faults.append(fault)
    return plan_of(tuple(faults), seed, confirm=draw.random() < 1 / 3)


def plan_of(faults: tuple[Fault, ...], seed: int, *, confirm: bool) -> Plan:
    """Given faults at moments drawn from a seed."""
    draw = random.Random(f"moments {seed}")
    # The tracker that is lost for good comes last: a study resumed without one is told so at once.
    ordered = sorted(faults, key=lambda fault: fault is Fault.LOSE_TRACKER)
    strikes = []
    for fault in ordered:
        in_start_up = fault in STATUSES and draw.random() < 1 / 6
        whole = 1.0 if in_start_up else 1 / len(ordered)
        strikes.append(
            Strike(fault=fault, in_start_up=in_start_up, moment=draw.uniform(0.0, whole))
        )
    return Plan(seed=seed, strikes=tuple(strikes), confirm=confirm)
