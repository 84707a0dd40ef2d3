"""A study of any size, generated without training and written straight into an MLflow database.

Configurations are drawn from the space `noise_masks`, sizes are counted as for real networks, and
accuracies follow a formula with noise. The study says nothing about these networks: its purpose is
to measure pages and readers with ten thousand trials.

    python benchmarks/generated_study.py sqlite:////tmp/large.db --name large --trials 10000
"""

import argparse
import math
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace

from optuna.distributions import CategoricalDistribution, FloatDistribution

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import (
    Costs,
    DatasetShape,
    EpochResult,
    ModelConfig,
    ParameterValue,
    TrialConfig,
)
from search_spaces.noise_masks import SPACE
from study.results.mlflow.run_content import RunUpdate, run_content
from study.results.mlflow.run_diff import Point, RunContent
from study.results.mlflow.run_format import RUN_STATUS, new_run_tags, run_name
from study.results.mlflow.store import MlflowStore
from study.results.objective import parse_objectives
from study.results.run_record import Curve, RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd, StudyInfo, summarise

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
STARTED_MS = 1_790_000_000_000
WORKERS = 16
_RUNS_AT_ONCE = 500


def generated_info(name: str, trials: int, epochs: int, seed: int = 0) -> StudyInfo:
    """Make the information on the study of the generated trials."""
    return StudyInfo(
        name=name,
        study_id=uuid.UUID(int=random.Random(f"{name} {seed}").getrandbits(128)).hex,
        space="noise_masks",
        dataset="digits",
        seed=seed,
        trials=trials,
        epochs=epochs,
        replicates=1,
        confirm=0,
        sampler="random",
        scheduler="fifo",
        objectives=parse_objectives("val_accuracy,learnable_params"),
        git_commit="",
        versions={},
        images=DIGITS,
    )


def generated_trials(trials: int, epochs: int, seed: int = 0) -> Iterator[RunRecord]:
    """Generate trials in order of their numbers; one in fifty failed, the last ones still run."""
    draw = random.Random(seed)
    free_at = [0.0] * WORKERS
    for number in range(trials):
        config = replace(_configuration(draw, number), epochs=epochs)
        worker = min(range(WORKERS), key=free_at.__getitem__)
        start = free_at[worker]
        curve = _curve(draw, config, epochs)
        state = RunState.FAILED if draw.random() < 0.02 else RunState.COMPLETE
        if number >= trials - WORKERS // 2:
            state = RunState.RUNNING
        if state is not RunState.COMPLETE:
            curve = curve[: draw.randrange(epochs)]
        free_at[worker] = start + sum(r.train_seconds + r.val_seconds for r in curve) + 0.1
        yield RunRecord(
            key=RunKey(number),
            state=state,
            parameters=config.parameters(),
            costs=_costs(config.model),
            replicates=(curve,) if curve else (),
            device="generated",
            worker=f"generated:{worker}",
            reason="generated: this trial was to fail" if state is RunState.FAILED else "",
            started_ms=STARTED_MS + round(1000 * start),
            ended_ms=STARTED_MS + round(1000 * free_at[worker]) if state.is_final else None,
        )


def write_study(tracking_uri: str, info: StudyInfo, records: Iterable[RunRecord]) -> None:
    """Write a whole study, by MLflow's own tables instead of a request for each run.

    Args:
        tracking_uri: URI of a database.
        info: Information on the study, which the tracker must not hold yet.
        records: Records of its trials.
    """
    records = tuple(records)
    study = MlflowStore(tracking_uri).open_study(info)
    study.open()
    experiment_id, parent_run_id = study.experiment_id, study.parent_run_id
    for start in range(0, len(records), _RUNS_AT_ONCE):
        _insert(tracking_uri, info, experiment_id, parent_run_id, records[start:][:_RUNS_AT_ONCE])
        print(f"{min(start + _RUNS_AT_ONCE, len(records))} trials written", flush=True)
    if all(record.state.is_final for record in records):
        ended_ms = max(record.ended_ms or 0 for record in records)
        study.finish(
            summarise(records, info.objectives, info.limit), [], StudyEnd.FINISHED, ended_ms
        )


def _insert(
    tracking_uri: str,
    info: StudyInfo,
    experiment_id: str,
    parent_run_id: str,
    records: Iterable[RunRecord],
) -> None:
    import sqlalchemy
    from mlflow.store.tracking.dbmodels import models

    runs: list[dict[str, object]] = []
    tags: list[dict[str, object]] = []
    params: list[dict[str, object]] = []
    metrics: list[dict[str, object]] = []
    latest: list[dict[str, object]] = []
    for record in records:
        run_id = uuid.uuid4().hex
        content = _content(record)
        runs.append(_run_row(run_id, experiment_id, record, content))
        born_with = new_run_tags(info, record.key, parent_run_id)
        named = {"mlflow.runName": run_name(record.key), **born_with, **content.tags}
        tags += [{"run_uuid": run_id, "key": k, "value": v} for k, v in named.items()]
        params += [{"run_uuid": run_id, "key": k, "value": v} for k, v in content.params.items()]
        points = [*content.totals, *content.series]
        metrics += [_metric_row(run_id, point) for point in points]
        last = {point.name: point for point in points}
        latest += [_metric_row(run_id, point) for point in last.values()]
    engine = sqlalchemy.create_engine(tracking_uri)
    with engine.begin() as connection:
        for model, rows in (
            (models.SqlRun, runs),
            (models.SqlTag, tags),
            (models.SqlParam, params),
            (models.SqlMetric, metrics),
            (models.SqlLatestMetric, latest),
        ):
            if rows:
                connection.execute(model.__table__.insert(), rows)
    engine.dispose()


def _content(record: RunRecord) -> RunContent:
    started_ms = record.started_ms or STARTED_MS
    return run_content(
        RunUpdate(
            key=record.key,
            record=record,
            epochs=tuple((result, started_ms) for result in record.epochs),
            started_ms=started_ms,
            ended_ms=record.ended_ms,
        )
    )


def _run_row(
    run_id: str, experiment_id: str, record: RunRecord, content: RunContent
) -> dict[str, object]:
    return {
        "run_uuid": run_id,
        "name": run_name(record.key),
        "source_type": "UNKNOWN",
        "user_id": "generated",
        "status": content.status or RUN_STATUS[record.state],
        "start_time": record.started_ms,
        "end_time": record.ended_ms,
        "lifecycle_stage": "active",
        "artifact_uri": f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts",
        "experiment_id": int(experiment_id),
    }


def _metric_row(run_id: str, point: Point) -> dict[str, object]:
    return {
        "run_uuid": run_id,
        "key": point.name,
        "value": point.value,
        "timestamp": point.milliseconds,
        "step": point.step,
        "is_nan": False,
    }


def _configuration(draw: random.Random, number: int) -> TrialConfig:
    space = SPACE(DIGITS)
    point: dict[str, ParameterValue] = {}
    for name, axis in space.axes.items():
        if isinstance(axis, CategoricalDistribution):
            point[name] = draw.choice([c for c in axis.choices if c is not None])
        elif isinstance(axis, FloatDistribution):
            point[name] = axis.low * (axis.high / axis.low) ** draw.random()
    if not space.is_valid(point, DIGITS):
        point["fan_out"] = 1
    return space.configure(point, dataset=DIGITS, epochs=1, seed=number)


def _costs(model: ModelConfig) -> Costs:
    params = count_learnable_params(model)
    return Costs(learnable_params=params, mask_values=64 * model.mask_count, macs=40 * params)


def _curve(draw: random.Random, config: TrialConfig, epochs: int) -> Curve:
    size = math.log10(count_learnable_params(config.model))
    level = math.log10(config.model.mask.noise_level)
    best = 0.55 + 0.09 * size - 0.05 * (level - 0.0) ** 2 + draw.gauss(0, 0.03)
    seconds = 0.2 + 0.1 * size + 4.0 / config.optim.batch_size
    results = []
    for epoch in range(1, epochs + 1):
        share = 1 - math.exp(-epoch / 8)
        accuracy = min(0.999, max(0.0, 0.1 + (best - 0.1) * share + draw.gauss(0, 0.01)))
        results.append(
            EpochResult(
                epoch=epoch,
                train_loss=2.3 * (1 - 0.9 * accuracy) + 0.01 * draw.random(),
                val_loss=2.3 * (1 - 0.8 * accuracy) + 0.01 * draw.random(),
                val_accuracy=accuracy,
                train_seconds=seconds * draw.uniform(0.9, 1.2),
                val_seconds=0.1 * seconds,
            )
        )
    return tuple(results)


def main() -> None:
    """Generate a study as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tracking_uri", help="URI of an MLflow database, such as sqlite:///FILE")
    parser.add_argument("--name", default="generated")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    trials, epochs, seed = arguments.trials, arguments.epochs, arguments.seed
    info = generated_info(arguments.name, trials, epochs, seed)
    write_study(arguments.tracking_uri, info, generated_trials(trials, epochs, seed))


if __name__ == "__main__":
    main()
