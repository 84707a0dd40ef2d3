"""Question whether a study that goes on has anything left to train."""

from study.config import StudyConfig
from study.results.confirmed_choice import DEFAULT_CONTROLS, FRONT
from study.results.confirmed_trials import trials_to_confirm
from study.search.confirmation_plan import networks_to_confirm, plan_confirmation
from study.search.optuna_storage import StudyStorage
from study.search.tuning_plan import plan_tuning, tuned_networks


def has_runs_left(config: StudyConfig) -> bool:
    """Return True if a run of a study has not ended: of its search, its tuning or confirmation.

    Args:
        config: Study that has begun.

    Raises:
        StorageError: What is stored cannot be read.
    """
    storage = StudyStorage(config)
    trials = storage.trials()
    found = (storage.record_of(trial) for trial in trials if trial.state.is_finished())
    records = [record for record in found if record is not None]
    if len(records) < config.trials and (
        not all(trial.state.is_finished() for trial in trials)
        or storage.has_waiting(config.enqueued)
        or not storage.is_exhausted()
    ):
        return True
    if not config.confirm:
        return False
    chosen = trials_to_confirm(
        records,
        config.objectives,
        config.confirm_trials or FRONT,
        limits=config.limit,
        arms=config.space.experiment is not None,
    )
    controls = config.controls or DEFAULT_CONTROLS
    networks = networks_to_confirm(chosen, config.space, config.shape, controls)
    ended = storage.ended()
    if config.tune_controls is not None:
        plan = plan_tuning(networks, config.tune_controls, config.tuning_seeds)
        if any(run.key not in ended for run in plan):
            return True
        networks = tuned_networks(
            networks, config.tune_controls, config.tuning_seeds, storage.tuned()
        )
    return any(run.key not in ended for run in plan_confirmation(networks, config.fresh_seeds))
