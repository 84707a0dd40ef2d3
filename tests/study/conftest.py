"""Small studies and their drivers, and small recorded tables, made up."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import Costs, DatasetShape, EpochResult
from pnn_core.data import TrainingData, load_training_data
from search_spaces import SearchSpace
from study.config import StudyConfig
from study.recording.table import Configuration, Provenance, RecordedTable
from study.results.objective import parse_objectives
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord
from study.results.settings import MOASHA
from study.search.messages import EpochReport, ProposedRun
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

MakeConfig = Callable[..., StudyConfig]
DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
TWO_NETWORKS = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="two",
    summary="two networks",
    axes={
        "mask_count": CategoricalDistribution((2, 4)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    fixed={"network": "resnet8", "batch_size": 100, "dropout": 0.1, "mask_seed": 11},
    grid={"noise_level": (1 / 3,)},
)
"""

ARMS = """
from search_spaces import Experiment, PlannedComparison, SearchSpace
c = PlannedComparison(first="noise", second="off", matters=0.01)
SPACE = SearchSpace(
    name="arms",
    summary="",
    is_grid=True,
    experiment=Experiment(comparisons=(c,), seeds=2),
    variants={"noise": {"noise_level": 1.0}, "off": {"noise_level": 0.0}},
)
"""


COSTS = Costs(learnable_params=100, mask_values=10, macs=1000)


@pytest.fixture(scope="session")
def arms() -> str:
    """Text of a file with a planned experiment of two arms."""
    return ARMS


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """A study of tiny networks on the digits, with any of its settings changed."""

    def make(**changes: object) -> StudyConfig:
        settings: dict = {
            "name": "test",
            "study_id": "0" * 32,
            "space": SearchSpace(
                name="tiny",
                summary="",
                axes={
                    "mask_count": CategoricalDistribution((2, 4)),
                    "noise_level": FloatDistribution(0.01, 5.0, log=True),
                },
                fixed={"network": "resnet8", "batch_size": 200},
                grid={"noise_level": (0.1, 1.0)},
            ),
            "dataset": "digits",
            "shape": DatasetShape(channels=1, height=8, width=8, classes=10),
            "trials": 3,
            "epochs": 2,
            "replicates": 1,
            "confirm": 0,
            "seed": 0,
            "objectives": parse_objectives("val_accuracy,learnable_params"),
            "sampler": "random",
            "output": tmp_path,
            "storage": None,
            "checkpoints": str(tmp_path / "checkpoints"),
            "keep_checkpoints": False,
            "weights": "none",  # nobody here fetches what workers would leave
            "address": None,
        }
        if rungs := changes.pop("rungs", None):
            settings["scheduler"] = MOASHA
            settings["first_rung"] = rungs.first
            settings["reduction_factor"] = rungs.reduction_factor
        return StudyConfig(**{**settings, **changes})

    return make


def curve(epochs: int, final: float, seconds: float = 1.0) -> tuple[EpochResult, ...]:
    """An accuracy that rises evenly to its last value."""
    return tuple(
        EpochResult(
            epoch=epoch,
            train_loss=2.0 - epoch / epochs,
            val_loss=2.5 - epoch / epochs,
            val_accuracy=final * epoch / epochs,
            train_seconds=0.75 * seconds,
            val_seconds=0.25 * seconds,
        )
        for epoch in range(1, epochs + 1)
    )


@pytest.fixture(scope="session")
def small_space() -> SearchSpace:
    """Two layers, one without noise; a continuous axis with three values in its grid."""
    return SearchSpace(
        name="small",
        summary="for tests",
        axes={
            "layer": CategoricalDistribution(("perturbation", "conv3x3")),
            "mask_count": IntDistribution(4, 12, step=4),
            "noise_level": FloatDistribution(0.01, 1.0, log=True),
        },
        fixed={"network": "resnet8", "batch_size": 200},
        grid={"noise_level": (0.01, 0.1, 1.0)},
    )


@pytest.fixture(scope="session")
def make_table(small_space: SearchSpace) -> Callable[..., RecordedTable]:
    """The whole grid of the small space: larger networks are more accurate, slower and larger."""

    def make(*, epochs: int = 4, replicates: int = 2) -> RecordedTable:
        configurations = []
        for number, point in enumerate(small_space.grid_points(DIGITS)):
            first_seed = number * replicates
            trial = small_space.configure(point, dataset=DIGITS, epochs=epochs, seed=first_seed)
            settings = trial.parameters()
            masks = int(settings["mask_count"])
            noise = float(settings.get("noise_level", 0.3))
            accuracy = 0.4 + 0.03 * masks + 0.1 * noise
            configurations.append(
                Configuration(
                    number=number,
                    parameters={n: v for n, v in settings.items() if n not in ("epochs", "seed")},
                    costs=Costs(learnable_params=100 * masks, mask_values=masks, macs=1000 * masks),
                    first_seed=first_seed,
                    curves=tuple(
                        curve(epochs, accuracy + 0.01 * seed, seconds=masks / 4)
                        for seed in range(replicates)
                    ),
                )
            )
        return RecordedTable(
            space=small_space,
            dataset="digits",
            shape=DIGITS,
            epochs=epochs,
            replicates=replicates,
            provenance=Provenance(
                study="made-up",
                command="python -m study.run --space small",
                git_commit="",
                versions={"python": "3.11.2"},
                processor="none",
                recorded=("2026-01-01", "2026-01-02"),
            ),
            configurations=tuple(configurations),
        )

    return make


@dataclass
class HeardTrials(RunListener):
    """A listener that writes down what it is told: of whom, and in which state or epoch."""

    events: list[tuple[str, int, object]] = field(default_factory=list)

    def run_restored(self, record: RunRecord) -> None:
        self.events.append(("restored", record.number, record.state))

    def run_started(self, record: RunRecord) -> None:
        self.events.append(("started", record.number, record.state))

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        self.events.append(("epoch", key.trial, result.epoch))

    def run_retried(self, record: RunRecord) -> None:
        self.events.append(("retried", record.number, record.retried[-1]))

    def run_paused(self, record: RunRecord) -> None:
        self.events.append(("paused", record.number, record.state))

    def run_ended(self, record: RunRecord) -> None:
        self.events.append(("ended", record.number, record.state))

    def of(self, kind: str) -> list[tuple[int, object]]:
        return [(number, what) for event, number, what in self.events if event == kind]


@dataclass
class HeardConfirmations(RunListener):
    """As `HeardTrials`, for confirmation runs."""

    events: list[tuple[str, RunRecord]] = field(default_factory=list)
    advanced: list[tuple[RunKey, int, float]] = field(default_factory=list)

    def run_restored(self, run: RunRecord) -> None:
        self.events.append(("restored", run))

    def run_started(self, run: RunRecord) -> None:
        self.events.append(("started", run))

    def confirmation_advanced(self, record: RunRecord, epoch: int, train_loss: float) -> None:
        self.advanced.append((record.key, epoch, train_loss))

    def run_retried(self, run: RunRecord) -> None:
        self.events.append(("retried", run))

    def run_paused(self, run: RunRecord) -> None:
        self.events.append(("paused", run))

    def run_ended(self, run: RunRecord) -> None:
        self.events.append(("ended", run))

    def of(self, kind: str) -> list[RunRecord]:
        return [run for event, run in self.events if event == kind]


def flat_curve(epochs: int, accuracy: float = 0.5) -> tuple[EpochResult, ...]:
    return tuple(
        EpochResult(
            epoch=epoch,
            train_loss=1.0,
            val_loss=1.0,
            val_accuracy=accuracy,
            train_seconds=0.1,
            val_seconds=0.1,
        )
        for epoch in range(1, epochs + 1)
    )


class Life:
    """One life of a study's driver, with no worker: the test itself says what trials do."""

    def __init__(self, config: StudyConfig) -> None:
        self.config = config
        self.heard = HeardTrials()
        self.storage = StudyStorage(config)
        self.manager = TrialManager(config, self.storage, [self.heard])

    @property
    def records(self) -> tuple[RunRecord, ...]:
        return self.manager.records

    def propose(self) -> int:
        """A trial that a process takes up at once."""
        trial = self.ask()
        assert trial is not None
        self.start(trial.key.trial)
        return trial.key.trial

    def ask(self) -> ProposedRun | None:
        """The next trial; None where there is none now."""
        runs = self.manager.propose()
        return runs[0] if runs else None

    def start(self, number: int) -> None:
        self.manager.run_started(RunKey(number))

    def stop(self, number: int) -> None:
        self.manager.run_stopped(RunKey(number))

    def fail(self, number: int, reason: str, *, would_recur: bool, worker: str = "") -> None:
        key = RunKey(number)
        self.manager.attempt_failed(key, reason, would_recur=would_recur, worker=worker)

    def train(
        self,
        number: int,
        epochs: int,
        accuracy: float = 0.5,
        costs: Costs = COSTS,
        worker: str = "host:1",
    ) -> None:
        for epoch in range(1, epochs + 1):
            curves = (flat_curve(epoch, accuracy),)
            report = EpochReport(replicates=curves, costs=costs, device="cpu", worker=worker)
            self.manager.epoch_finished(RunKey(number), report)

    def report(self, number: int, epochs: int, accuracy: float, params: int = 100) -> bool:
        """As Tune's ends do it: judged, then told, and ended where it does not go on."""
        told = EpochReport(
            replicates=(flat_curve(epochs, accuracy),),
            costs=replace(COSTS, learnable_params=params),
            device="cpu",
            worker="host:1",
        )
        is_last = epochs == self.config.epochs
        goes_on = is_last or self.manager.goes_on(RunKey(number), told)
        self.manager.epoch_finished(RunKey(number), told)
        if is_last or not goes_on:
            self.stop(number)
        return goes_on

    def complete(self, number: int, accuracy: float = 0.5) -> None:
        self.train(number, self.config.epochs, accuracy)
        self.stop(number)

    def optuna_states(self) -> list[str]:
        return [trial.state.name for trial in self.storage.trials()]


@pytest.fixture
def live() -> Callable[[StudyConfig], Life]:
    """Begins a life of a driver."""
    return Life


@pytest.fixture
def heard() -> HeardTrials:
    return HeardTrials()


@pytest.fixture
def heard_confirmations() -> HeardConfirmations:
    return HeardConfirmations()


@pytest.fixture(scope="session")
def confirmed_study(make_once, command_in) -> tuple[Path, str]:
    """The working folder of a real study with seeds and a confirmation, and its outcome in JSON."""

    def make(folder: Path) -> None:
        (folder / "two.py").write_text(TWO_NETWORKS)
        status, out, err = command_in(folder).run(
            *("--space", "two.py", "--sampler", "grid", "--epochs", "2", "--name", "two"),
            *("--replicates", "2", "--confirm", "2", "--seed", "3", "--json"),
            *("--max-concurrent", "1"),
        )
        assert status == 0, err
        (folder / "out.json").write_text(out)

    folder = make_once("confirmed-study", make)
    return folder, (folder / "out.json").read_text()


@pytest.fixture(scope="session")
def digits() -> TrainingData:
    return load_training_data("digits", Path("unused"))
