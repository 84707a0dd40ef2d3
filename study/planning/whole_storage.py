"""Refusal of a storage that holds less than a study has done, or what other settings gave."""

from collections.abc import Iterator

from study.command_line import BadInputError, blaming
from study.config import StudyConfig
from study.planning.study_file import FILE, StudyFile
from study.results.plural import counted
from study.search.optuna_storage import lasting_settings
from study.search.stored_study import StoredStudy, read_stored_study

NOTHING = StoredStudy(study_id=None, settings={}, trials_ended=0, confirmations_ended=0, ended=None)
"""Content of a storage that was removed or emptied."""


def require_whole_storage(
    config: StudyConfig, stored: StudyFile, in_storage: frozenset[str]
) -> StoredStudy:
    """Check that a study's storage is its own, whole and of its settings; change nothing.

    Without this, a study whose storage was lost would be trained again from its first trial.

    Args:
        config: Study that is to go on.
        stored: Its file.
        in_storage: Names of the studies in its database; of no use for a journal file.

    Returns:
        What the storage holds.

    Raises:
        BadInputError: It is not; says what is missing and what to do.
    """
    with blaming("--name", config.name):
        found = read_stored_study(config, in_storage) or NOTHING
    file, place = config.output / FILE, config.storage_place
    if found.study_id not in (None, config.study_id):
        raise BadInputError(
            f"--name {config.name}: {place} holds another study named {config.name}, not the one "
            f"of {file}: bring that one's storage back, or choose another name"
        )
    lost = (stored.trials_ended or 0, stored.confirmations_ended or 0)
    if found.trials_ended < lost[0] or found.confirmations_ended < lost[1]:
        raise BadInputError(
            f"--name {config.name}: {place} holds {_ended(found)}, of at least "
            f"{_counted(*lost)} that {file} counts: bring the whole storage back, or begin a study "
            "under another name"
        )
    for name, is_now, was in _contradictions(config, found):
        raise BadInputError(
            f"--name {config.name}: {file} says {name} {is_now}, and the trials in {place} were "
            f"trained with {name} {was}: change it back, or begin a new study"
        )
    return found


def _ended(found: StoredStudy) -> str:
    return _counted(found.trials_ended, found.confirmations_ended)


def _counted(trials: int, confirmations: int) -> str:
    runs = f" and {counted(confirmations, 'confirmation run')}" if confirmations else ""
    return f"{counted(trials, 'ended trial')}{runs}"


def _contradictions(config: StudyConfig, found: StoredStudy) -> Iterator[tuple[str, str, str]]:
    """Yield settings that the file and the storage have otherwise: name, the one's, the other's."""
    now = lasting_settings(config)
    was = found.settings or _settings_of_record(found)
    yield from (
        (name, now[name], text) for name, text in was.items() if now.get(name, text) != text
    )


def _settings_of_record(found: StoredStudy) -> dict[str, str]:
    """Return what an ended trial tells of a study from before its settings were stored."""
    record = found.ended
    if record is None:
        return {}
    settings = {name: str(v) for name in ("epochs",) if (v := record.parameters.get(name))}
    if record.replicates:
        replicates = len(record.replicates)
        settings["replicates"] = str(replicates)
        first = record.parameters.get("seed")
        if isinstance(first, int):
            settings["seed"] = str(first - record.number * replicates)
    return settings
