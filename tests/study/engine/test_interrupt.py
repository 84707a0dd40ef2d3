"""An interrupted search; on a cluster of its own, which it leaves with workers still running."""

from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from pnn_core.config import EpochResult
from pnn_core.data import load_training_data
from study.engine.cluster import TrialResources, connected
from study.engine.search import JOURNAL, search
from study.results.record import TrialRecord, TrialState


class InterruptAfterTheFirstTrial:
    def trial_started(self, record: TrialRecord) -> None:
        pass

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        pass

    def trial_ended(self, record: TrialRecord) -> None:
        if record.state is TrialState.COMPLETE:
            raise KeyboardInterrupt


def test_an_interrupt_keeps_finished_trials_and_leaves_none_running(make_config) -> None:
    config = make_config(trials=20, epochs=3)
    digits = load_training_data("digits", Path("unused"))
    with connected(None):
        result = search(
            config,
            digits,
            TrialResources(cpus=1, gpus=0.0, concurrent=2),
            [InterruptAfterTheFirstTrial()],
        )
    assert result.interrupted
    states = [record.state for record in result.records]
    assert states.count(TrialState.COMPLETE) == 1
    assert set(states) == {TrialState.COMPLETE, TrialState.FAILED}
    storage = JournalStorage(JournalFileBackend(str(config.output / JOURNAL)))
    trials = storage.get_all_trials(storage.get_study_id_from_name("test"))
    assert len(trials) == len(states)
    assert all(trial.state.is_finished() for trial in trials)
