"""The study of every round: small, real, and the same whenever it is not disturbed."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from driver import POLL_SECONDS, Driver
from invariants import Asked
from optuna.trial import TrialState
from stored_study import CONFIRMS_TAG, Stored, read
from tracker import Tracker, running

NAME = "faults"
TRIALS = 6
EPOCHS = 3
SPACE = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="faults",
    summary="networks that train in a moment",
    axes={
        "mask_count": CategoricalDistribution((2, 4, 6, 8)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    fixed={"network": "resnet8", "batch_size": 20},
)
"""
OBJECTIVES = (("val_accuracy", "maximize"), ("learnable_params", "minimize"))
LAYERS = ("perturbation", "conv1x1", "conv3x3", "noise_off")
REFERENCE_SECONDS = 600.0

DETERMINISTIC = ("val_accuracy", "val_loss", "train_loss")
"""Series that say nothing of time."""
CONFIRMED_METRICS = (
    "test_accuracy",
    "published_test_accuracy",
    "moved_test_accuracy",
    "train_loss",
)

LARGEST_HEADROOM_BYTES = 6 << 30
HEADROOM_SHARE = 0.3
"""What may still be taken on the machine, by anyone, before Ray ends a worker in a round with a
memory hog: a share of what is free at the start of a life."""


def asked(*, confirm: bool) -> Asked:
    """What the checker expects of it."""
    return Asked(
        study=NAME,
        trials=TRIALS,
        epochs=EPOCHS,
        objectives=OBJECTIVES,
        confirm=int(confirm),
        layers=LAYERS,
    )


def arguments(tracking_uri: str, *, confirm: bool) -> list[str]:
    """Its first command line; the later ones are `RESUME`."""
    return [
        *("--space", "space.py", "--name", NAME, "--trials", str(TRIALS)),
        *("--epochs", str(EPOCHS), "--sampler", "random", "--max-concurrent", "2"),
        *("--confirm", str(int(confirm)), "--tracking-uri", tracking_uri),
    ]


RESUME = ("--resume", "--name", NAME)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder with a path short enough for Ray's sockets."""
    with tempfile.TemporaryDirectory(prefix="pnn-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def environment(temporary: Path, *, armed: Path | None = None) -> dict[str, str]:
    """The environment of its driver, and so of Ray and of the workers.

    Args:
        temporary: From `scratch`.
        armed: Where faults within trials are armed; None for a driver without the injection.
    """
    chosen_here = ("PYTHONWARNINGS", "MLFLOW_TRACKING_URI", "OPTUNA_STORAGE")
    inherited = {name: value for name, value in os.environ.items() if name not in chosen_here}
    settings = {
        "RAY_TMPDIR": str(temporary),
        "TMPDIR": str(temporary),
        "RAY_USAGE_STATS_ENABLED": "0",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
    }
    if armed is not None:
        settings["PYTHONPATH"] = str(Path(__file__).with_name("injected"))
        settings["PNN_FAULTS"] = str(armed)
    return inherited | settings


def headroom_bytes() -> int:
    """What Ray lets be taken before it ends a worker; a hog takes half as much again."""
    available: int = psutil.virtual_memory().available
    return min(LARGEST_HEADROOM_BYTES, int(HEADROOM_SHARE * available))


def memory_limit() -> dict[str, str]:
    """Settings with which Ray ends a worker that takes several GiB."""
    memory = psutil.virtual_memory()
    share = (memory.total - memory.available + headroom_bytes()) / memory.total
    return {
        "RAY_memory_usage_threshold": f"{min(share, 0.95):.3f}",
        "RAY_memory_monitor_refresh_ms": "50",
    }


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Every number of a study that must not depend on what happened to it.

    Attributes:
        trials: Parameters and series of each complete trial.
        confirmed: Metrics of each complete confirmation run, by trial, layer and seed.
    """

    trials: dict[int, dict[str, object]]
    confirmed: dict[tuple[str, str, str], dict[str, float | None]]

    @classmethod
    def of(cls, stored: Stored) -> "Numbers":
        """What the stores hold."""
        return cls(
            trials={
                trial.number: {"parameters": trial.params}
                | {name: stored.series(trial.number, name) for name in DETERMINISTIC}
                for trial, _ in stored.whole_trials()
                if trial.state is TrialState.COMPLETE
            },
            confirmed={
                (tags[CONFIRMS_TAG], tags["layer"], tags["seed"]): {
                    name: run.data.metrics.get(name) for name in CONFIRMED_METRICS
                }
                for run in stored.confirmed
                if run.info.status == "FINISHED"
                for tags in [run.data.tags]
            },
        )

    def differences(self, other: "Numbers") -> list[str]:
        """Where two studies have other numbers for the same trial or confirmation run."""
        return [
            f"trial {number}'s {name} is {value}, not {other.trials[number][name]}"
            for number in sorted(self.trials.keys() & other.trials.keys())
            for name, value in self.trials[number].items()
            if value != other.trials[number][name]
        ] + [
            f"confirmation {key} has {self.confirmed[key]}, not {other.confirmed[key]}"
            for key in sorted(self.confirmed.keys() & other.confirmed.keys())
            if self.confirmed[key] != other.confirmed[key]
        ]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The study without faults.

    Attributes:
        stored: What it left in the stores.
        numbers: The numbers in them.
        front_csv: The front that it exported.
        start_up_seconds: Until its first trial was proposed.
        search_seconds: From then to the end of its search.
        confirm_seconds: From then to its end.
    """

    stored: Stored
    numbers: Numbers
    front_csv: Path
    start_up_seconds: float
    search_seconds: float
    confirm_seconds: float


def run_reference(folder: Path) -> Reference:
    """Run it once, with a confirmation.

    Args:
        folder: Its working folder; nobody else uses it.

    Raises:
        RuntimeError: It does not end with status 0.
    """
    (folder / "space.py").write_text(SPACE)
    output = folder / "studies" / NAME
    with scratch() as temporary, running(Tracker(folder)) as tracker:
        driver = Driver(
            arguments(tracker.uri, confirm=True),
            folder,
            log="driver",
            environment=environment(temporary),
        )
        try:
            marks = [driver.started]
            for reached in (
                lambda: (
                    journal_of(output).is_file()
                    and b'"distribution"' in journal_of(output).read_bytes()
                ),
                lambda: "confirm trial" in driver.output,
                lambda: driver.status is not None,
            ):
                while not reached() and driver.status is None:
                    if time.monotonic() - driver.started > REFERENCE_SECONDS:
                        raise RuntimeError(f"the reference does not end: {driver.output}")
                    time.sleep(POLL_SECONDS)
                marks.append(time.monotonic())
            if driver.status != 0:
                raise RuntimeError(f"the reference failed: {driver.output}{driver.errors}")
        finally:
            driver.end()
        stored = read(str(journal_of(output)), tracker.uri, NAME)
    return Reference(
        stored=stored,
        numbers=Numbers.of(stored),
        front_csv=output / "front.csv",
        start_up_seconds=marks[1] - marks[0],
        search_seconds=marks[2] - marks[1],
        confirm_seconds=marks[3] - marks[2],
    )


def journal_of(output: Path) -> Path:
    """Optuna's storage in a study's folder."""
    return output / "optuna.journal"
