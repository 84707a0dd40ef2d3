"""Making of a table from a study's records."""

from collections.abc import Sequence
from datetime import UTC, datetime

from search_spaces import SearchSpace
from study.recording.table import Configuration, Provenance, RecordedTable
from study.results.run_record import RunRecord, RunState
from study.results.study_info import StudyInfo

GIVEN_BY_THE_STUDY = ("epochs", "seed")
"""Settings that every configuration of a table shares, or that tell its curves apart."""


def table_of(
    info: StudyInfo,
    records: Sequence[RunRecord],
    space: SearchSpace,
    *,
    command: str,
    processor: str,
) -> RecordedTable:
    """Make a table of a study's complete trials.

    Args:
        info: The study.
        records: Records of its trials; those that are not complete are left out.
        space: Space that it searched.
        command: Command that ran it.
        processor: Processor of the machine that trained, in words.

    Raises:
        ValueError: No trial is complete, one has no costs, or the study does not say what its
            images are.
    """
    complete = [record for record in records if record.state is RunState.COMPLETE]
    if not complete:
        raise ValueError(f"study {info.name} has no complete trial")
    if info.images is None:
        raise ValueError(f"study {info.name} does not say what its images are")
    times = [t for r in complete for t in (r.started_ms, r.ended_ms) if t is not None]
    days = [datetime.fromtimestamp(ms / 1000, UTC).date().isoformat() for ms in times]
    return RecordedTable(
        space=space,
        dataset=info.dataset,
        shape=info.images,
        epochs=info.epochs,
        replicates=info.replicates,
        provenance=Provenance(
            study=info.name,
            command=command,
            git_commit=info.git_commit,
            versions=info.versions,
            processor=processor,
            recorded=(min(days, default=""), max(days, default="")),
        ),
        configurations=tuple(map(_configuration, complete)),
    )


def _configuration(record: RunRecord) -> Configuration:
    if record.costs is None:
        raise ValueError(f"trial {record.number} is complete and has no costs")
    settings = record.parameters
    return Configuration(
        number=record.number,
        parameters={name: v for name, v in settings.items() if name not in GIVEN_BY_THE_STUDY},
        costs=record.costs,
        first_seed=int(settings["seed"]),
        curves=record.replicates,
    )
