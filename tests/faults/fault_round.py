"""One round: a study, what strikes it, its resumption until it ends, and the verdict."""

import contextlib
import random
import shutil
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from disk import Disk, mounted
from driver import POLL_SECONDS, Driver
from faults import (
    AT_ONCE,
    INJECTED,
    MENDED_BY_A_RESUME,
    NEEDS_OWN_DISK,
    OUTSIDE,
    STATUSES,
    Fault,
    Plan,
    Strike,
)
from invariants import Kind, Violation
from small_study import (
    NAME,
    RESUME,
    SPACE,
    Reference,
    arguments,
    environment,
    headroom_bytes,
    memory_limit,
    scratch,
)
from tidying import tidy_up
from tracker import Tracker, running
from verdict import judge, judge_end

from pnn_core.fused.compile import library_path

ENDING_SECONDS = 60.0
"""How long a driver may take to see that it cannot go on."""

MORE_LIVES = 3
"""How often a study may be resumed beyond once for each fault."""


@dataclass(frozen=True, kw_only=True)
class RoundReport:
    """What became of a round.

    Attributes:
        plan: What was to happen.
        struck: What did.
        impossible: What could not be done on this machine.
        violations: What is wrong; empty for a good round.
        story: Each life of the driver, for whoever looks into a failure.
    """

    plan: Plan
    struck: tuple[Fault, ...]
    impossible: tuple[Fault, ...]
    violations: tuple[Violation, ...]
    story: str


def run_round(plan: Plan, reference: Reference, folder: Path) -> RoundReport:
    """Run a round in its own folder, and leave nothing running.

    Args:
        plan: What happens.
        reference: The same study without faults.
        folder: Working folder of the study and of its tracker.
    """
    (folder / "space.py").write_text(SPACE)
    (folder / "armed").mkdir()
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(scratch())
        needs_disk = any(fault in NEEDS_OWN_DISK for fault in plan.faults)
        disk = stack.enter_context(mounted(folder / "studies")) if needs_disk else None
        tracker = stack.enter_context(running(Tracker(folder)))
        round_ = _Round(plan, reference, folder, temporary, tracker, disk)
        stack.callback(round_.end_all)
        round_.run()
        leftovers = round_.end_all()
        violations, struck = round_.violations + leftovers, tuple(round_.struck)
        if not any(violation.kind is Kind.STUCK for violation in round_.violations):
            violations += judge(plan, reference, folder, tracker.uri, struck, round_.undisturbed)
        return RoundReport(
            plan=plan,
            struck=struck,
            impossible=tuple(f for f in plan.faults if f in NEEDS_OWN_DISK and disk is None),
            violations=tuple(violations),
            story=round_.story(),
        )


class _Round:
    """The study, and the world around it while a round lasts."""

    def __init__(
        self,
        plan: Plan,
        reference: Reference,
        folder: Path,
        temporary: Path,
        tracker: Tracker,
        disk: Disk | None,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._output = folder / "studies" / NAME
        self._away = folder / "studies" / "moved-away"
        self._tracker = tracker
        self._disk = disk
        self._draw = random.Random(f"details {plan.seed}")
        self._waiting = deque(plan.strikes)
        self._undo_at: list[tuple[float, Callable[[], None]]] = []
        self._lives: list[tuple[Driver, list[Fault]]] = []
        self._environment = environment(temporary, armed=folder / "armed")
        self._cache = folder / "cache" / "pnn-study"
        if Fault.DAMAGE_OPERATORS in plan.faults:
            shutil.copytree(library_path().parent, self._cache)
            self._environment |= {"XDG_CACHE_HOME": str(folder / "cache")}
        self._start_up = reference.start_up_seconds
        self._training = reference.search_seconds
        if plan.confirm:
            self._training += reference.confirm_seconds
        self._life_seconds = 120.0 + 4.0 * (self._start_up + self._training)
        self._damage_at_rest: Fault | None = None
        self._compiles = False
        self.struck: list[Fault] = []
        self.undisturbed: set[Fault] = set()
        self.violations: list[Violation] = []

    def run(self) -> None:
        """Start the study, resume it until it has ended well, and give the tracker back."""
        for _ in range(len(self._plan.strikes) + 1 + MORE_LIVES):
            status = self._live()
            if status == 0:
                break
        else:
            said = f"the study has not ended after {len(self._lives)} lives"
            self.violations.append(Violation(Kind.STUCK, said))
        # What has not struck yet, as a first life was too short for it, strikes here.
        lives = (self._live() for _ in range(len(self._plan.strikes) + 1))
        mended = set(MENDED_BY_A_RESUME) & {*self.struck} or self._is_told_to_resume()
        if mended and all(status != 0 for status in lives):
            said = "the study cannot be resumed to fill its tracker"
            self.violations.append(Violation(Kind.STUCK, said))

    def _is_told_to_resume(self) -> bool:
        """Whether the last life ended well, and says that the tracker lacks something."""
        driver, _ = self._lives[-1]
        return " lacks " in driver.output and "this sends it: " in driver.output

    def end_all(self) -> list[Violation]:
        """End what is left of all lives; tells of what outlived a driver that ended by itself."""
        self._restore()
        found = []
        for driver, struck in self._lives:
            by_itself = driver.status in (0, 1, 130) and Fault.KILL_RAYLET not in struck
            found += [
                Violation(Kind.STUCK, f"{name!r} outlived the driver")
                for name in driver.end(patiently=by_itself)
                if by_itself
            ]
        return found

    def story(self) -> str:
        """Each life, its faults, its status and what it said."""
        return "\n".join(
            f"--- life {number}, struck by {', '.join(struck) or 'nothing'}, status "
            f"{driver.status}\n{driver.output[-3000:]}{driver.errors[-3000:]}"
            for number, (driver, struck) in enumerate(self._lives, start=1)
        )

    def _live(self) -> int | None:
        """One life of the driver, from its start to its end."""
        self._restore()
        study_file = self._output / "study.json"
        first = arguments(self._tracker.uri, confirm=self._plan.confirm)
        driver = Driver(
            RESUME if study_file.is_file() else first,
            self._folder,
            log=f"life-{len(self._lives) + 1}",
            environment=self._environment
            | (memory_limit() if Fault.MEMORY in self._plan.faults else {}),
        )
        struck: list[Fault] = []
        self._lives.append((driver, struck))
        compiles, self._compiles = self._compiles, False
        deadline = driver.started + self._life_seconds
        due = self._due(driver.started, started=driver.started)
        while driver.status is None:
            now = time.monotonic()
            if now > deadline:
                said = f"the driver still runs, struck by {', '.join(struck) or 'nothing'}"
                self.violations.append(Violation(Kind.STUCK, said))
                driver.signal(signal.SIGKILL)
                driver.wait(30)
                break
            if now >= due and self._waiting and self._strike(self._waiting[0], driver):
                fault = self._waiting.popleft().fault
                struck.append(fault)
                due = self._due(now, started=driver.started)
                if fault in STATUSES:
                    due = float("inf")  # what comes next needs a driver that lives
                    # On a machine so busy that starting takes long, so may ending.
                    patience = max(AT_ONCE.get(fault, ENDING_SECONDS), 2.0 * self._start_up)
                    # A life that compiles the operators notices a disk that is full afterwards.
                    if not compiles or fault in AT_ONCE:
                        deadline = time.monotonic() + patience
            for when, undo in [*self._undo_at]:
                if now >= when:
                    self._undo_at.remove((when, undo))
                    undo()
            time.sleep(POLL_SECONDS)
        if driver.status == -9 and self._damage_at_rest is not None:
            self._compiles = self._damage_at_rest is Fault.DAMAGE_OPERATORS
            self._damage(self._damage_at_rest)
            self._damage_at_rest = None
        self._note(struck, ended_well=driver.status == 0)
        self.violations += judge_end(driver, struck, resumable=study_file.is_file())
        return driver.status

    def _due(self, since: float, *, started: float) -> float:
        """When the next fault strikes."""
        if not self._waiting:
            return float("inf")
        strike = self._waiting[0]
        if strike.in_start_up:
            return since + strike.moment * self._start_up
        return max(since, started + self._start_up) + strike.moment * self._training

    def _strike(self, strike: Strike, driver: Driver) -> bool:
        """Do it; whether it could be done at this moment."""
        match strike.fault:
            case Fault.KILL_DRIVER:
                driver.signal(signal.SIGKILL)
            case Fault.KILL_WORKER:
                return self._kill_one(driver.workers())
            case Fault.KILL_RAYLET:
                return self._kill_one(driver.raylets())
            case Fault.INTERRUPT:
                driver.interrupt()
            case Fault.TERMINATE:
                driver.signal(signal.SIGTERM)
            case Fault.INTERRUPT_TWICE:
                driver.interrupt()
                time.sleep(self._draw.uniform(0.1, 1.5))
                driver.interrupt()
            case Fault.FREEZE_TRACKER:
                self._tracker.freeze()
                self._undo_later(self._tracker.thaw)
            case Fault.RESTART_TRACKER:
                self._tracker.kill()
                self._undo_later(self._tracker.start)
            case Fault.LOSE_TRACKER:
                self._tracker.kill()
            case Fault.DELETE_PARENT | Fault.DELETE_RUN | Fault.RENAME:
                return tidy_up(self._tracker.uri, NAME, strike.fault)
            case Fault.EMPTY_JOURNAL | Fault.DAMAGE_OPERATORS:
                driver.signal(signal.SIGKILL)
                self._damage_at_rest = strike.fault
            case Fault.FILL_DISK | Fault.READ_ONLY:
                return self._break_disk(strike.fault)
            case Fault.MOVE_FOLDER:
                if not self._output.exists():
                    return False
                self._output.rename(self._away)
            case fault:
                armed = self._folder / "armed" / INJECTED[fault]
                armed.write_text(str(headroom_bytes() * 3 // 2))  # what a hog takes
        return True

    def _kill_one(self, processes: list[psutil.Process]) -> bool:
        if processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._draw.choice(processes).kill()
        return bool(processes)

    def _break_disk(self, fault: Fault) -> bool:
        if self._disk is None:
            return False  # this process may not mount
        if fault is Fault.READ_ONLY:
            self._disk.make_read_only()
        else:
            self._disk.fill()
        return True

    def _damage(self, fault: Fault) -> None:
        """Harm what a dead driver has left, as far as it came to leave it."""
        journal = self._output / "optuna.journal"
        if fault is Fault.DAMAGE_OPERATORS:
            for library in self._cache.glob("*.so"):
                library.write_bytes(library.read_bytes()[: library.stat().st_size // 2])
            return
        counted = self._output / "study.json"
        if not journal.is_file() or '"trials_ended": 0' in (text := counted.read_text()):
            return  # nothing that was counted can be lost
        whole = journal.read_bytes()
        journal.write_bytes(b"")
        if 'trials_ended": null' not in text:
            driver = Driver(RESUME, self._folder, log="emptied", environment=self._environment)
            if driver.wait(self._life_seconds) != 2 or "bring the whole" not in driver.errors:
                said = f"an emptied journal ends with {driver.status}: {driver.errors[-300:]}"
                self.violations.append(Violation(Kind.LOST, said))
            driver.end()
        journal.write_bytes(whole)

    def _undo_later(self, undo: Callable[[], None]) -> None:
        self._undo_at.append((time.monotonic() + self._draw.uniform(3.0, 8.0), undo))

    def _restore(self) -> None:
        """Make the world whole again."""
        self._undo_at.clear()
        self._tracker.thaw()
        self._tracker.start()
        if self._disk is not None:
            self._disk.make_writable()
            self._disk.free()
        if self._away.exists():
            if self._output.exists():
                said = f"the study's folder was made anew: {sorted(self._output.iterdir())}"
                self.violations.append(Violation(Kind.WRONG, said))
                shutil.rmtree(self._output)
            self._away.rename(self._output)

    def _note(self, struck: list[Fault], *, ended_well: bool) -> None:
        """Keep what struck a life; what was armed has struck if a training step took it."""
        armed = self._folder / "armed"
        taken = {f for f, name in INJECTED.items() if (armed / f"{name}.done").exists()}
        new = taken - set(self.struck)
        outside = {*struck} - {*INJECTED} <= {*OUTSIDE}
        if ended_well and outside and len(new) == 1:
            self.undisturbed |= new
        self.struck += [*(fault for fault in struck if fault not in INJECTED), *new]
