"""Trials that a confirmation takes."""

from collections.abc import Iterable

from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, TrialConfig
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from study.results.confirmed_choice import (
    ALL,
    EARLIER_CONTROLS,
    FRONT,
    NONE,
    layers_beside,
    numbered_trials,
)
from study.results.limit import Limits
from study.results.objective import Objective
from study.results.pareto import front
from study.results.run_record import RunRecord, RunState
from study.results.study_info import StudyInfo


def trials_to_confirm(
    records: Iterable[RunRecord],
    objectives: tuple[Objective, ...],
    choice: str,
    *,
    limits: Limits,
    arms: bool = False,
) -> tuple[RunRecord, ...]:
    """Return the trials that a choice takes, among those that ran their full budget.

    Args:
        records: Trials of the study.
        objectives: Objectives of the study, which make its front.
        choice: Choice of trials, as it is kept.
        limits: Limits of the study, beyond which no trial is on its front.
        arms: True if the trials are arms of an experiment: each that ended is taken, as one seed
            that failed on the train images alone is no reason to leave its arm out.
    """
    records = tuple(records)
    if arms:
        return tuple(record for record in records if record.state.is_final)
    if choice == FRONT:
        return front(records, objectives, limits)
    numbers = numbered_trials(choice)
    complete = (record for record in records if record.state is RunState.COMPLETE)
    return tuple(record for record in complete if choice == ALL or record.number in numbers)


def planned_confirmations(info: StudyInfo, records: Iterable[RunRecord]) -> int:
    """Count the runs of a confirmation, all trials having ended.

    Args:
        info: Study.
        records: Its trials.
    """
    choice, arms = info.confirm_trials or FRONT, info.experiment is not None
    chosen = trials_to_confirm(records, info.objectives, choice, limits=info.limit, arms=arms)
    controls = info.controls or EARLIER_CONTROLS
    return info.confirm * sum(networks_of(record, controls) for record in chosen)


def networks_of(record: RunRecord, controls: str) -> int:
    """Count the networks that confirm a trial: its own, and those with a control's layer.

    Args:
        record: Trial.
        controls: Choice of controls, as it is kept.
    """
    # Images and networks of any shape will do: the layer does not depend on them.
    images = DatasetShape(channels=3, height=32, width=32, classes=2, task=record.task.name)
    settings = {name: v for name, v in record.parameters.items() if name in PARAMETER_NAMES}
    if settings.get("layer") not in {None, *SPATIAL_LAYERS}:  # its file is elsewhere
        others = {name for name in controls.split(",") if name not in (NONE, settings["layer"])}
        return 1 + len(others)
    if settings.get("network") not in NETWORKS:  # a network of one's own, whose file is elsewhere
        settings |= {"network": "resnet8", "mask_count": settings.get("fan_out", 1)}
    trial = TrialConfig(model=ModelConfig(dataset=images)).with_parameters(settings)
    return 1 + len(layers_beside(trial.model, controls))
