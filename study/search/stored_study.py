"""Contents of a storage in short, read without changing anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from study.config import JOURNAL, StudyConfig
from study.results.error_messages import explain
from study.results.record_codec import record_from_json
from study.results.run_record import RunRecord
from study.search.begun_points import BegunPoints
from study.search.database_storage import open_database
from study.search.optuna_storage import (
    CONFIRMED,
    SETTINGS,
    STUDY_ID,
    TUNED,
    StorageError,
    ended_trials,
)
from study.search.trial_attributes import RECORD


@dataclass(frozen=True, kw_only=True)
class StoredStudy:
    """Study as its storage has it.

    Attributes:
        study_id: Identifier of the study; None where none was written.
        settings: Settings that it began with, as they are typed, by name; empty for studies from
            before they were written.
        trials_ended: Number of trials that ended.
        confirmations_ended: Number of confirmation runs that ended, and of those that tune before.
        ended: Record of a trial that ended; None without any.
        begun: Points of its trials.
    """

    study_id: str | None
    settings: Mapping[str, str]
    trials_ended: int
    confirmations_ended: int
    ended: RunRecord | None
    begun: BegunPoints = field(default_factory=BegunPoints)


def read_stored_study(config: StudyConfig, names: frozenset[str]) -> StoredStudy | None:
    """Read what the storage of a study holds of it; None where it holds nothing of it.

    Args:
        config: Study.
        names: Names of the studies in its database; of no use for a journal file.

    Raises:
        StorageError: It cannot be read.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = _open_to_read(config, names)
        return None if storage is None else _read(storage, config.name)
    except KeyError:  # Optuna's word for a study that is not there
        return None
    except Exception as error:  # each database's driver has its own
        raise StorageError(
            f"{config.storage_place} cannot be read: {explain(error, config.storage or '')}"
        ) from error


def _open_to_read(config: StudyConfig, names: frozenset[str]) -> BaseStorage | None:
    """Open a storage that is there; Optuna would make what is not."""
    if config.storage is not None:
        if config.name not in names:
            return None
        return open_database(config.storage, skip_table_creation=True)
    path = config.output / JOURNAL
    return JournalStorage(JournalFileBackend(str(path))) if path.is_file() else None


def _read(storage: BaseStorage, name: str) -> StoredStudy:
    study_id = storage.get_study_id_from_name(name)
    attributes = storage.get_study_user_attrs(study_id)
    trials = storage.get_all_trials(study_id, deepcopy=False)
    ended = ended_trials(trials)
    return StoredStudy(
        study_id=attributes.get(STUDY_ID),
        settings=attributes.get(SETTINGS, {}),
        trials_ended=len(ended),
        confirmations_ended=sum(key.startswith((CONFIRMED, TUNED)) for key in attributes),
        ended=record_from_json(ended[-1].user_attrs[RECORD]) if ended else None,
        begun=BegunPoints.of(trials),
    )
