"""The checker finds nothing in a whole study, and each thing that can be wrong in a broken one."""

import csv
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
import pytest
from invariants import Asked, Kind, Violation, check
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState
from stored_study import SERIES, open_storage, read

AXES = {"mask_count": CategoricalDistribution((2, 4)), "noise_level": FloatDistribution(0.0, 5.0)}
LAYERS = ("perturbation", "conv1x1")
VALUES = {0: [0.5, 100.0], 1: [0.7, 200.0], 2: [0.4, 150.0]}
"""Accuracy and parameters: trials 0 and 1 are the front, 2 is dominated; 3 failed."""

_names = (f"study-{n}" for n in itertools.count())


@dataclass(frozen=True, kw_only=True)
class Store:
    """A study in both stores, its runs by trial number, the parent under -1."""

    asked: Asked
    client: MlflowClient
    uri: str
    journal: Path
    front: Path
    runs: dict[int, str]
    confirmed: dict[tuple[int, str], str]

    def violations(self) -> list[Violation]:
        return check(self.asked, read(str(self.journal), self.uri, self.asked.study), self.front)

    def new_run(self, tags: dict[str, str], status: str = "FINISHED") -> str:
        experiment = self.client.get_experiment_by_name(self.asked.study)
        run = self.client.create_run(experiment.experiment_id, tags=tags)
        self.client.set_terminated(run.info.run_id, status)
        return str(run.info.run_id)

    def log(self, number: int, name: str, value: float, step: int, time: int = 7) -> None:
        self.client.log_batch(self.runs[number], metrics=[Metric(name, value, time, step)])


@pytest.fixture(scope="session")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield f"sqlite:///{tmp_path_factory.mktemp('tracker') / 'mlflow.db'}"


@pytest.fixture
def make_store(tmp_path: Path, tracker: str) -> Callable[..., Store]:
    def make(*, left_out: tuple[int, str, int] | None = None, running: int | None = None) -> Store:
        """A study, whole but for a metric's step or a trial's end in Optuna."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        objectives = (("val_accuracy", "maximize"), ("learnable_params", "minimize"))
        asked = Asked(
            study=next(_names),
            trials=4,
            epochs=2,
            objectives=objectives,
            confirm=1,
            layers=LAYERS,
        )
        client = MlflowClient(tracker)
        client.create_experiment(
            asked.study,
            artifact_location=str(tmp_path / "artifacts"),
            tags={"pnn_study": asked.study},
        )
        store = Store(
            asked=asked,
            client=client,
            uri=tracker,
            journal=tmp_path / "journal",
            front=tmp_path / "front.csv",
            runs={},
            confirmed={},
        )
        store.runs[-1] = store.new_run({"trials": "4"})
        params = [Param(k, str(getattr(asked, k))) for k in ("epochs", "replicates", "confirm")]
        client.log_batch(store.runs[-1], params=params)
        study = optuna.create_study(
            study_name=asked.study,
            storage=open_storage(str(store.journal)),
            directions=[direction for _, direction in objectives],
        )
        for _ in range(asked.trials):
            _add_trial(store, study, left_out, running)
        for number, layer in itertools.product((0, 1), LAYERS):
            store.confirmed[number, layer] = _add_confirmation(store, number, layer)
        write_front(store, [0, 1])
        return store

    return make


def _add_trial(
    store: Store, study: optuna.Study, left_out: tuple[int, str, int] | None, running: int | None
) -> None:
    trial = study.ask(AXES)
    number = trial.number
    complete = number in VALUES
    if number != running:
        state = TrialState.COMPLETE if complete else TrialState.FAIL
        study.tell(number, VALUES.get(number), state)
    tags = {"mlflow.parentRunId": store.runs[-1], "trial_number": str(number)}
    tags["state"] = "complete" if complete else "failed"
    store.runs[number] = store.new_run(tags, "FINISHED" if complete else "FAILED")
    params = [Param(name, str(value)) for name, value in trial.params.items()]
    metrics = []
    if complete:
        accuracy, size = VALUES[number]
        metrics = [Metric("learnable_params", size, 7, 0)] + [
            Metric(name, accuracy - (2 - epoch) / 4, 7, epoch)
            for name, epoch in itertools.product(SERIES, (1, 2))
            if (number, name, epoch) != left_out
        ]
    store.client.log_batch(store.runs[number], metrics=metrics, params=params)


def _add_confirmation(store: Store, number: int, layer: str) -> str:
    tags = {"mlflow.parentRunId": store.runs[number], "confirms_trial": str(number)}
    return store.new_run(tags | {"layer": layer, "seed": "100", "state": "complete"})


def write_front(store: Store, numbers: list[int], *, lie: float = 0.0) -> None:
    with store.front.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["trial", "val_accuracy", "learnable_params"])
        rows.writerows([n, VALUES[n][0] + lie, VALUES[n][1]] for n in numbers)


def test_nothing_is_found_in_a_whole_study(make_store) -> None:
    assert make_store().violations() == []


Break = Callable[[Store], object]

BREAKS: dict[str, tuple[Kind, Break]] = {
    "0 runs stand for the study, not 1": (Kind.LOST, lambda s: s.client.delete_run(s.runs[-1])),
    "2 runs stand for the study, not 1": (Kind.DUPLICATED, lambda s: s.new_run({"trials": "4"})),
    "the study's run is RUNNING": (
        Kind.STUCK,
        lambda s: s.client.update_run(s.runs[-1], status="RUNNING"),
    ),
    "the study's run is KILLED": (
        Kind.WRONG,
        lambda s: s.client.update_run(s.runs[-1], status="KILLED"),
    ),
    "the study's run says trials 3, not 4": (
        Kind.WRONG,
        lambda s: s.client.set_tag(s.runs[-1], "trials", "3"),
    ),
    "trial 1 has 0 runs in MLflow, not 1": (
        Kind.LOST,
        lambda s: s.client.delete_run(s.runs[1]),
    ),
    "trial 1 has 2 runs in MLflow, not 1": (
        Kind.DUPLICATED,
        lambda s: s.new_run({"mlflow.parentRunId": s.runs[-1], "trial_number": "1"}),
    ),
    "a run is of trial 9, which Optuna lacks": (
        Kind.DUPLICATED,
        lambda s: s.new_run({"mlflow.parentRunId": s.runs[-1], "trial_number": "9"}),
    ),
    "belongs to no trial of the study": (
        Kind.WRONG,
        lambda s: s.new_run({"mlflow.parentRunId": s.runs[-1]}),
    ),
    "is SCHEDULED": (
        Kind.STUCK,
        lambda s: s.client.update_run(s.runs[1], status="SCHEDULED"),
    ),
    "trial 1 is COMPLETE in Optuna, but ('FINISHED', 'running') in MLflow": (
        Kind.WRONG,
        lambda s: s.client.set_tag(s.runs[1], "state", "running"),
    ),
    "trial 3 is FAIL in Optuna, but ('FINISHED', 'failed') in MLflow": (
        Kind.WRONG,
        lambda s: s.client.set_terminated(s.runs[3], "FINISHED"),
    ),
    "step 2 of trial 1's val_loss is there 2 times": (
        Kind.DUPLICATED,
        lambda s: s.log(1, "val_loss", VALUES[1][0], 2, time=8),
    ),
    "step 3 of trial 1's val_loss is none of its epochs": (
        Kind.WRONG,
        lambda s: s.log(1, "val_loss", 0.1, 3),
    ),
    "trial 1's val_accuracy is 0.7 in Optuna, 0.9 in MLflow": (
        Kind.WRONG,
        lambda s: s.log(1, "val_accuracy", 0.9, 2, time=8),
    ),
    "trial 1's learnable_params is 200.0 in Optuna, 201.0 in MLflow": (
        Kind.WRONG,
        lambda s: s.log(1, "learnable_params", 201.0, 0, time=8),
    ),
    "confirmation (0, 'conv1x1', '100') has 2 runs, not 1": (
        Kind.DUPLICATED,
        lambda s: _add_confirmation(s, 0, "conv1x1"),
    ),
    "trial 0 was confirmed with 0 seeds of conv1x1, not 1": (
        Kind.LOST,
        lambda s: s.client.delete_run(s.confirmed[0, "conv1x1"]),
    ),
    "is not under its trial's run": (
        Kind.WRONG,
        lambda s: s.client.set_tag(s.confirmed[0, "conv1x1"], "mlflow.parentRunId", s.runs[-1]),
    ),
    "is FINISHED but its tag says failed": (
        Kind.WRONG,
        lambda s: s.client.set_tag(s.confirmed[0, "conv1x1"], "state", "failed"),
    ),
    "trial 2 was confirmed with conv1x1, but is not on the front": (
        Kind.WRONG,
        lambda s: _add_confirmation(s, 2, "conv1x1"),
    ),
    "no front was exported": (Kind.LOST, lambda s: s.front.unlink()),
    "the exported front holds trials [0], the records' own [0, 1]": (
        Kind.WRONG,
        lambda s: write_front(s, [0]),
    ),
    "the exported front holds trials [0, 1, 1]": (
        Kind.WRONG,
        lambda s: write_front(s, [0, 1, 1]),
    ),
    "the exported front gives trial 0 [0.6, 100.0]": (
        Kind.WRONG,
        lambda s: write_front(s, [0, 1], lie=0.1),
    ),
}


@pytest.mark.parametrize(("text", "kind", "breaks"), [(t, *b) for t, b in BREAKS.items()])
def test_what_is_broken_in_mlflow_or_in_the_export_is_found(make_store, text, kind, breaks) -> None:
    store = make_store()
    breaks(store)
    assert any(v.kind is kind and text in v.text for v in store.violations())


def test_a_missing_step_is_found(make_store) -> None:
    (found,) = make_store(left_out=(1, "train_loss", 1)).violations()
    assert found == (Kind.LOST, "step 1 of trial 1's train_loss is missing")


def test_a_trial_that_never_ended_is_found(make_store) -> None:
    found = make_store(running=2).violations()
    assert (Kind.STUCK, "trial 2 is RUNNING in Optuna") in found


def test_missing_and_superfluous_trials_are_found(make_store) -> None:
    store = make_store()
    more, fewer = (replace(store, asked=replace(store.asked, trials=n)) for n in (5, 3))
    assert (Kind.LOST, "trial 4 is missing in Optuna") in more.violations()
    beyond = "trial 3 is 1 times in Optuna, of 3 trials asked for"
    assert (Kind.DUPLICATED, beyond) in fewer.violations()


def test_one_point_proposed_twice_is_found(make_store) -> None:
    store = make_store()
    study = optuna.load_study(
        study_name=store.asked.study, storage=open_storage(str(store.journal))
    )
    study.enqueue_trial(study.trials[0].params)
    study.ask(AXES)
    repeated = "trials [0, 4] have the same parameters"
    found = store.violations()
    assert any(v.kind is Kind.DUPLICATED and v.text.startswith(repeated) for v in found)


def test_other_and_missing_parameters_are_found(make_store) -> None:
    store = make_store()
    study = optuna.load_study(
        study_name=store.asked.study, storage=open_storage(str(store.journal))
    )
    params = study.trials[1].params
    run = store.new_run(
        {"mlflow.parentRunId": store.runs[-1], "trial_number": "1", "state": "complete"}
    )
    store.client.log_batch(run, params=[Param("noise_level", "9.5")])
    store.client.delete_run(store.runs[1])
    found = store.violations()
    assert (Kind.LOST, "trial 1's run lacks the parameter mask_count") in found
    said = f"trial 1's noise_level is {params['noise_level']} in Optuna, 9.5 in MLflow"
    assert (Kind.WRONG, said) in found


def test_a_study_that_the_tracker_never_saw_is_found(make_store) -> None:
    store = make_store()
    experiment = store.client.get_experiment_by_name(store.asked.study)
    store.client.set_experiment_tag(experiment.experiment_id, "pnn_study", "another")
    found = store.violations()
    assert (Kind.LOST, "0 runs stand for the study, not 1") in found
    assert (Kind.LOST, "trial 0 has 0 runs in MLflow, not 1") in found
