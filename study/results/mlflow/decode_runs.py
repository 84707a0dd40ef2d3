"""Study put together from its runs, in whatever order and as often as they are read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.results.mlflow import run_format as fmt
from study.results.mlflow.encoding import DecodeError
from study.results.mlflow.loaded_study import LoadedStudy, UndecodableRun
from study.results.mlflow.study_format import PARENT_TAG, STUDY_ID_TAG, STUDY_TAG, decode_study
from study.results.run_record import Curve, RunKey, RunRecord
from study.results.study_info import StudyInfo

if TYPE_CHECKING:
    from mlflow.entities import Run

Series = Mapping[str, Mapping[int, float]]
"""Metric name to value by step."""


@dataclass(frozen=True, kw_only=True)
class _ReadRun:
    """Run as far as it is kept.

    Attributes:
        run_id: MLflow's identifier.
        study_id: Identifier of the study, as its tag has it; None where it has none.
        parent_run_id: Identifier of the run above it; empty where there is none.
        is_confirmation: True if its tags say that it confirms a trial.
        trial: Number of the trial that it is or confirms, as the tag has it.
        content: Its record, or why that cannot be read.
        status: MLflow's status.
        started_ms: Start by MLflow; 0 where that is not known.
        metrics: Latest values of a run that has not ended: they show if it went on.
    """

    run_id: str
    study_id: str | None
    parent_run_id: str
    is_confirmation: bool
    trial: str
    content: RunRecord | str
    status: str
    started_ms: int
    metrics: Mapping[str, float]


class StudyReading:
    """Runs of one study read so far.

    Args:
        name: Name of the study.
        study_id: Identifier of the study, from its experiment.
        read_series: Function that asks the tracker for the series of a run that has not ended.

    Attributes:
        parent: The study's own run; None while it was not read.
    """

    def __init__(self, name: str, study_id: str, read_series: Callable[[str], Series]) -> None:
        self._name = name
        self._study_id = study_id
        self._read_series = read_series
        self.parent: Run | None = None
        self._runs: dict[str, _ReadRun] = {}

    @property
    def parent_run_id(self) -> str:
        """MLflow's identifier of the study's own run; empty while none was read."""
        return "" if self.parent is None else str(self.parent.info.run_id)

    @property
    def unended(self) -> frozenset[str]:
        """Identifiers of the runs that have not ended."""
        return frozenset(r.run_id for r in self._runs.values() if r.status not in fmt.ENDED)

    @property
    def latest_start_ms(self) -> int:
        """Start of the newest run, in milliseconds since 1970; 0 without any."""
        return max((run.started_ms for run in self._runs.values()), default=0)

    def add(self, run: "Run") -> bool:
        """Take up a run as it is now, and tell if there is anything new in it."""
        tags, run_id = run.data.tags, run.info.run_id
        if STUDY_TAG in tags and tags.get(STUDY_ID_TAG, "") == self._study_id:
            # The oldest that says so is the study's own.
            if self.parent is None or _started_ms(run) <= _started_ms(self.parent):
                self.parent = run
            return False
        read = self._read(run)
        is_new = read != self._runs.get(run_id)
        self._runs[run_id] = read
        return is_new

    def study(self) -> LoadedStudy:
        """Return the study as far as it was read.

        Raises:
            ValueError: Its own run cannot be read.
        """
        info = self._info()
        unreadable: list[UndecodableRun] = []
        records: dict[RunKey, RunRecord] = {}
        for run, record in self._readable(unreadable):
            key = record.key
            if records.setdefault(key, record) is not record:
                reason = f"{key} has an earlier run"
                unreadable.append(UndecodableRun(run_id=run.run_id, reason=reason))
        return LoadedStudy(
            info=info,
            records=tuple(records[key] for key in sorted(records) if not key.is_confirmation),
            confirmed=tuple(records[key] for key in sorted(records) if key.is_confirmation),
            undecodable=tuple(unreadable),
        )

    def run_ids(self) -> dict[int, str]:
        """Return MLflow's identifier of the run of each trial, by the trial's number."""
        found: dict[int, str] = {}
        for run, record in self._readable([]):
            if not run.is_confirmation:
                found.setdefault(record.number, run.run_id)
        return found

    def _info(self) -> StudyInfo:
        if self.parent is None:
            raise ValueError(f"the own run of study {self._name!r} was not read")
        data, run_id = self.parent.data, self.parent.info.run_id
        try:
            return decode_study(self._name, data.params, data.tags)
        except DecodeError as error:
            message = f"study {self._name!r} (run {run_id}) cannot be read: {error}"
            raise ValueError(message) from error

    def _readable(self, unreadable: list[UndecodableRun]) -> Iterator[tuple[_ReadRun, RunRecord]]:
        """Give runs with their records, the oldest first; the others are told of."""
        for run in sorted(self._runs.values(), key=lambda run: run.started_ms):
            wrong = self._misplaced(run) or (run.content if isinstance(run.content, str) else "")
            if wrong or isinstance(run.content, str):
                unreadable.append(UndecodableRun(run_id=run.run_id, reason=wrong))
            else:
                yield run, run.content

    def _misplaced(self, run: _ReadRun) -> str:
        """Tell what is wrong with a run's place; empty when nothing is.

        A run is the study's by its identifier, wherever it lies: the run above it may have been
        deleted. Of one without an identifier its place is all there is to go by.
        """
        if run.study_id not in (None, self._study_id):
            return "it is a run of another study"
        is_known = run.study_id is not None
        if not run.is_confirmation:
            right = is_known or run.parent_run_id == self.parent_run_id
            return "" if right else "it is not a child of the study's run"
        above = self._runs.get(run.parent_run_id)
        right = is_known
        if above is not None:
            is_trial = not above.is_confirmation and not self._misplaced(above)
            right = is_trial and above.trial == run.trial
        return "" if right else "it is not a child of the run of the trial that it confirms"

    def _read(self, run: "Run") -> _ReadRun:
        tags = run.data.tags
        is_confirmation = fmt.CONFIRMS_TAG in tags
        content: RunRecord | str
        try:
            content = fmt.decode_run(
                run.data.params,
                tags,
                run.data.metrics,
                self._running_curves(run),
                started_ms=run.info.start_time,
                ended_ms=run.info.end_time,
            )
        except DecodeError as error:
            content = str(error)
        return _ReadRun(
            run_id=run.info.run_id,
            study_id=tags.get(STUDY_ID_TAG),
            parent_run_id=tags.get(PARENT_TAG, ""),
            is_confirmation=is_confirmation,
            trial=tags.get(fmt.CONFIRMS_TAG if is_confirmation else fmt.TRIAL_NUMBER_TAG, ""),
            content=content,
            status=run.info.status,
            started_ms=_started_ms(run),
            metrics={} if run.info.status in fmt.ENDED else run.data.metrics,
        )

    def _running_curves(self, run: "Run") -> tuple[Curve, ...]:
        """Return the curve of a run that has not ended; one that has carries them in its record."""
        data, known = run.data, self._runs.get(run.info.run_id)
        if fmt.CONFIRMS_TAG in data.tags or data.tags.get("state") not in ("running", "paused"):
            return ()
        if not data.metrics.keys() & set(fmt.SERIES.values()):
            return ()
        if (
            known is not None
            and isinstance(known.content, RunRecord)
            and known.metrics == data.metrics
        ):
            return known.content.replicates
        return fmt.curves_from_series(self._read_series(run.info.run_id))


def _started_ms(run: "Run") -> int:
    return run.info.start_time or 0
