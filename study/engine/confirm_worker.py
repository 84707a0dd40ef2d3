"""A confirmation run in a worker process."""

import json
from dataclasses import asdict, dataclass

from pnn_core.config import ConfirmResult, Costs
from pnn_core.data import Images, ImageTraits
from study.engine.checkpoint_sweeper import confirmation_file
from study.engine.confirm_plan import ConfirmTask
from study.engine.messages import TrialFailure, TrialPaused
from study.engine.stop_flag import stop_requested
from study.engine.trainable import describe_error
from study.engine.worker_checkpoint import WorkerCheckpoint
from study.engine.worker_name import worker_name
from study.engine.worker_settings import WorkerSettings
from study.results.confirmed_run import ConfirmedRun
from study.results.record import TrialState


@dataclass(frozen=True, kw_only=True)
class ConfirmReport:
    """What a worker hands back.

    Attributes:
        result: What the run gave.
        costs: Of its network.
        device: Where it trained, in words.
        worker: Process that trained it; see `worker_name`.
        unsaved: Why its last checkpoint could not be written; empty if it was.
    """

    result: ConfirmResult
    costs: Costs
    device: str
    worker: str
    unsaved: str = ""


ConfirmReply = ConfirmReport | TrialPaused | TrialFailure


def new_run(task: ConfirmTask) -> ConfirmedRun:
    """What is known of a run before it starts."""
    return ConfirmedRun(
        trial=task.trial,
        layer=task.config.model.layer,
        seed=task.config.seed,
        state=TrialState.RUNNING,
        parameters=task.config.parameters(),
        size_difference=task.size_difference,
    )


def train_and_test(
    task: ConfirmTask, traits: ImageTraits, images: Images, test: Images, settings: WorkerSettings
) -> ConfirmReply:
    """Do a run, from its checkpoint where it has one, in a process that Ray keeps for the next."""
    from pnn_core.confirm import ConfirmingRun
    from pnn_core.costs import count_costs
    from pnn_core.device import describe_device
    from pnn_core.learner import NonFiniteLossError

    stop = stop_requested(settings.stop_key)
    file = confirmation_file(new_run(task))
    checkpoint = WorkerCheckpoint(settings.store, file, json.dumps(asdict(task.config)))
    try:
        device = settings.prepare()
        run = ConfirmingRun(task.config, traits, images, test, device)
        checkpoint.restore([run])
        while run.epoch < task.config.epochs:
            finished = not stop.is_set() and run.next_epoch(
                lambda: stop.is_set() or checkpoint.is_overdue
            )
            if run.epoch == task.config.epochs:
                break
            if stop.is_set() or not finished or checkpoint.is_due:
                checkpoint.save([run])
            if stop.is_set():
                return TrialPaused(unsaved=checkpoint.unsaved)
        return ConfirmReport(
            result=run.result(),
            costs=count_costs(task.config.model),
            device=describe_device(device),
            worker=worker_name(),
            unsaved=checkpoint.unsaved,
        )
    except Exception as error:  # whatever a run raises is that run's end, not the study's
        recurs = isinstance(error, NonFiniteLossError)
        reason = describe_error(error)
        return TrialFailure(reason=reason, would_recur=recurs, worker=worker_name())
