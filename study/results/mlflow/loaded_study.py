"""A study as read from a tracker."""

from dataclasses import dataclass

from study.results.run_record import RunRecord
from study.results.study_info import StudyInfo


@dataclass(frozen=True, kw_only=True)
class UndecodableRun:
    """A run of a study's experiment that is no readable trial.

    Attributes:
        run_id: MLflow's.
        reason: Cause why it cannot be read.
    """

    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class LoadedStudy:
    """A study as read from the tracker.

    Attributes:
        info: The study.
        records: Trials in order of their numbers.
        confirmed: Confirmation runs, by trial, then layer, then seed.
        undecodable: Runs that could be read as neither.
    """

    info: StudyInfo
    records: tuple[RunRecord, ...]
    confirmed: tuple[RunRecord, ...]
    undecodable: tuple[UndecodableRun, ...]

    def trial(self, number: int) -> RunRecord:
        """Return a trial by its number.

        Raises:
            ValueError: There is none; says which there are.
        """
        for record in self.records:
            if record.number == number:
                return record
        match [record.number for record in self.records]:
            case []:
                has = "no trial yet"
            case [only]:
                has = f"trial {only} alone"
            case [first, *_, last]:
                has = f"trials {first} to {last}"
        if self.undecodable:
            has += f", and {len(self.undecodable)} of its runs cannot be read"
        raise ValueError(f"there is no such trial: study {self.info.name} has {has}")
