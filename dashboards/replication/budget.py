"""Facts of what was run: the frame of every claim."""

from typing import NamedTuple

from dashboards.elements.caption import confirmed_epochs, describe_states
from study.results.confirmed_choice import FRONT
from study.results.layer_result import PERTURBATION, layer_results
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord
from study.results.seal import seal_of

_HOUR_SECONDS = 3600


class BudgetInfo(NamedTuple):
    """One study's budget, as plain texts.

    Attributes:
        name: Name of the study.
        facts: Name and value of each fact.
    """

    name: str
    facts: tuple[tuple[str, str], ...]


def get_budget_info(study: LoadedStudy) -> BudgetInfo:
    """Collect everything that bounds what the study may claim."""
    info = study.info
    versions = ", ".join(f"{library} {version}" for library, version in info.versions.items())
    facts = [
        ("Data set", info.dataset),
        ("Epochs of a training run", confirmed_epochs(study)),
        ("Search", _search(study)),
        *_tuning(study),
        ("Confirmation", _confirmation(study)),
        *_experiment(study),
        ("Training time of the confirmation", _training_time(study.confirmed)),
        ("Hardware", _devices(study)),
        ("Library versions", versions or "not recorded"),
        ("Commit of the code", info.git_commit or "not recorded"),
    ]
    if study.undecodable:
        reasons = "; ".join(sorted({run.reason for run in study.undecodable}))
        facts.append(("Runs that could not be read", f"{len(study.undecodable)}: {reasons}"))
    return BudgetInfo(name=info.name, facts=tuple(facts))


def _search(study: LoadedStudy) -> str:
    info = study.info
    counts = describe_states(record.state for record in study.records)
    objectives = ", ".join(objective.name for objective in info.objectives)
    return (
        f"space {info.space}, {counted(len(study.records), 'trial')} ({counts or 'none recorded'}) "
        f"of {counted(info.replicates, 'seed')} each, sampler {info.sampler}, "
        f"chosen on validation data by {objectives}"
    )


def _tuning(study: LoadedStudy) -> list[tuple[str, str]]:
    """Describe how confirmed networks were tuned, if they were."""
    results = [result for result in layer_results(study.confirmed) if result.tuning]
    if not results:
        return []
    first = results[0].tuning
    runs = sum(len(result.tuning) for result in results)
    text = (
        f"{' and '.join(first[0].settings)} of each of {counted(len(results), 'network')}, chosen "
        f"from {counted(len(first), 'grid point')} by {study.info.task.label} on validation "
        f"images: {counted(runs, 'run')} of {counted(first[0].seeds, 'seed')} that nothing else "
        f"uses (--tune-controls {study.info.tune_controls})"
    )
    return [("Tuning", text)]


def _confirmation(study: LoadedStudy) -> str:
    results = layer_results(study.confirmed)
    trials = {result.trial for result in results}
    seeds = {run.seed for run in study.confirmed}
    counts = describe_states(run.state for run in study.confirmed)
    layers = sorted({result.layer for result in results if result.layer != PERTURBATION})
    beside = f" with layers {', '.join(layers)} beside perturbation" if layers else ""
    if study.info.experiment is not None:
        confirmed = counted(len(trials), "arm")
    elif (study.info.confirm_trials or FRONT) == FRONT:
        confirmed = f"{counted(len(trials), 'trial')} of the front{beside}"
    else:
        confirmed = f"{counted(len(trials), 'trial')}{beside}"
    runs = f"{counted(len(study.confirmed), 'run')} ({counts})"
    return (
        f"{confirmed}, {counted(len(seeds), 'fresh seed')}, trained on train and validation "
        f"images, test {study.info.task.label} after the last epoch: {runs}"
    )


def _experiment(study: LoadedStudy) -> list[tuple[str, str]]:
    """Describe the plan of an experiment, and how its seal was opened."""
    seal = seal_of(study.info, study.records, study.confirmed)
    return [] if seal is None else [("Planned experiment", seal.describe())]


def _training_time(confirmed: tuple[RunRecord, ...]) -> str:
    seconds = sum(run.result.train_seconds for run in confirmed if run.result is not None)
    if seconds < _HOUR_SECONDS:
        return f"{seconds / 60:.1f} minutes over all runs"
    return f"{seconds / _HOUR_SECONDS:.1f} hours over all runs"


def _devices(study: LoadedStudy) -> str:
    """Name the devices of the confirmed runs, and of the search where that ran elsewhere."""
    confirmed = sorted({run.device for run in study.confirmed if run.device})
    searched = sorted({record.device for record in study.records if record.device})
    elsewhere = [device for device in searched if device not in confirmed]
    devices = ", ".join(confirmed) or "not recorded"
    return f"{devices}; search also on {', '.join(elsewhere)}" if elsewhere else devices
