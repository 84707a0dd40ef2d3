"""Putting a study together from its runs, in whatever order and as often as they are read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from study.results.mlflow import trial_format as fmt
from study.results.mlflow.confirmation_format import CONFIRMS_TAG, decode_confirmed
from study.results.mlflow.curves import SERIES, curves_from_series
from study.results.mlflow.encoding import DecodeError
from study.results.mlflow.loaded_study import LoadedStudy, UndecodableRun
from study.results.run_record import Curve, RunKey, RunRecord
from study.results.study_info import StudyInfo

if TYPE_CHECKING:
    from mlflow.entities import Run

Series = Mapping[str, Mapping[int, float]]
"""Metric name to value by step."""

_Content = TypeVar("_Content", bound=RunRecord)
_ENDED = ("FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True, kw_only=True)
class _ReadRun(Generic[_Content]):
    """What is kept of a run.

    Attributes:
        run_id: MLflow's.
        parent_run_id: Of the run above it; empty where there is none.
        trial: The number in its tags of the trial that it is or confirms, as text.
        content: What it says, or why that cannot be read.
        status: MLflow's.
        started_ms: By MLflow; 0 where that is not known.
        metrics: Latest values of a run that has not ended: they show whether it went on.
    """

    run_id: str
    parent_run_id: str
    trial: str
    content: _Content | str
    status: str
    started_ms: int
    metrics: Mapping[str, float]


class StudyReading:
    """The runs of one study read so far.

    Args:
        name: Of the study.
        study_id: Of its experiment.
        read_series: Asks the tracker for the series of a run that has not ended.

    Attributes:
        parent: The study's own run; None while it was not read.
    """

    def __init__(self, name: str, study_id: str, read_series: Callable[[str], Series]) -> None:
        self._name = name
        self._study_id = study_id
        self._read_series = read_series
        self.parent: Run | None = None
        self._trials: dict[str, _ReadRun[RunRecord]] = {}
        self._confirmed: dict[str, _ReadRun[RunRecord]] = {}

    @property
    def parent_run_id(self) -> str:
        """MLflow's identifier of the study's own run; empty while none was read."""
        return "" if self.parent is None else str(self.parent.info.run_id)

    @property
    def unended(self) -> frozenset[str]:
        """Identifiers of the runs that have not ended."""
        return frozenset(run.run_id for run in self._runs() if run.status not in _ENDED)

    @property
    def latest_start_ms(self) -> int:
        """When the newest of its runs began, in milliseconds since 1970; 0 without any."""
        return max((run.started_ms for run in self._runs()), default=0)

    def add(self, run: "Run") -> bool:
        """Take up a run as it is now; whether it tells anything new."""
        tags, run_id = run.data.tags, run.info.run_id
        if fmt.STUDY_TAG in tags and tags.get(fmt.STUDY_ID_TAG, "") == self._study_id:
            # The oldest that says so is the study's own.
            if self.parent is None or _started_ms(run) <= _started_ms(self.parent):
                self.parent = run
            return False
        if CONFIRMS_TAG in tags:
            result = _read(run, CONFIRMS_TAG, self._confirmed_run)
            is_new = result != self._confirmed.get(run_id)
            self._confirmed[run_id] = result
        else:
            trial = _read(run, fmt.TRIAL_NUMBER_TAG, self._trial)
            is_new = trial != self._trials.get(run_id)
            self._trials[run_id] = trial
        return is_new

    def study(self) -> LoadedStudy:
        """The study as far as it was read.

        Raises:
            ValueError: Its own run cannot be read.
        """
        info = self._info()
        unreadable: list[UndecodableRun] = []
        records: dict[int, RunRecord] = {}
        for run, record in _readable(self._trials, self._is_trial, unreadable):
            if records.setdefault(record.number, record) is not record:
                unreadable.append(_unreadable(run, f"trial {record.number} has an earlier run"))
        confirmed: dict[RunKey, RunRecord] = {}
        for confirmation, result in _readable(self._confirmed, self._is_confirmation, unreadable):
            if confirmed.setdefault(result.key, result) is not result:
                name = fmt.run_name(result.trial)
                reason = f"{name} has an earlier run of that layer and seed"
                unreadable.append(_unreadable(confirmation, reason))
        return LoadedStudy(
            info=info,
            records=tuple(records[number] for number in sorted(records)),
            confirmed=tuple(confirmed[key] for key in sorted(confirmed)),
            undecodable=tuple(unreadable),
        )

    def run_ids(self) -> dict[int, str]:
        """Trial number to MLflow's identifier of its run."""
        found: dict[int, str] = {}
        for run, record in _readable(self._trials, self._is_trial, []):
            found.setdefault(record.number, run.run_id)
        return found

    def _runs(self) -> "Iterator[_ReadRun[RunRecord] | _ReadRun[RunRecord]]":
        yield from self._trials.values()
        yield from self._confirmed.values()

    def _info(self) -> StudyInfo:
        if self.parent is None:
            raise ValueError(f"the own run of study {self._name!r} was not read")
        data, run_id = self.parent.data, self.parent.info.run_id
        try:
            return fmt.decode_study(self._name, data.params, data.tags)
        except DecodeError as error:
            message = f"study {self._name!r} (run {run_id}) cannot be read: {error}"
            raise ValueError(message) from error

    def _is_trial(self, run: "_ReadRun[RunRecord]") -> str:
        """What is wrong with a trial's place; empty when nothing is."""
        right = run.parent_run_id == self.parent_run_id
        return "" if right else "it is not a child of the study's run"

    def _is_confirmation(self, run: "_ReadRun[RunRecord]") -> str:
        above = self._trials.get(run.parent_run_id)
        right = above is not None and not self._is_trial(above) and above.trial == run.trial
        return "" if right else "it is not a child of the run of the trial that it confirms"

    def _trial(self, run: "Run") -> RunRecord:
        return fmt.decode_trial(
            run.data.params,
            run.data.tags,
            run.data.metrics,
            self._running_curves(run),
            started_ms=run.info.start_time,
            ended_ms=run.info.end_time,
        )

    def _running_curves(self, run: "Run") -> tuple[Curve, ...]:
        """Curves of a trial that has not ended; one that has carries them in tags."""
        data, known = run.data, self._trials.get(run.info.run_id)
        if data.tags.get("state") not in ("running", "paused"):
            return ()
        if not data.metrics.keys() & set(SERIES.values()):
            return ()
        if (
            known is not None
            and isinstance(known.content, RunRecord)
            and known.metrics == data.metrics
        ):
            return known.content.replicates
        return curves_from_series(self._read_series(run.info.run_id))

    def _confirmed_run(self, run: "Run") -> RunRecord:
        return decode_confirmed(
            run.data.params,
            run.data.tags,
            run.data.metrics,
            started_ms=run.info.start_time,
            ended_ms=run.info.end_time,
        )


def _read(run: "Run", trial_tag: str, decode: Callable[["Run"], _Content]) -> "_ReadRun[_Content]":
    content: _Content | str
    try:
        content = decode(run)
    except DecodeError as error:
        content = str(error)
    return _ReadRun(
        run_id=run.info.run_id,
        parent_run_id=run.data.tags.get(fmt.PARENT_TAG, ""),
        trial=run.data.tags.get(trial_tag, ""),
        content=content,
        status=run.info.status,
        started_ms=_started_ms(run),
        metrics={} if run.info.status in _ENDED else run.data.metrics,
    )


def _readable(
    runs: "Mapping[str, _ReadRun[_Content]]",
    misplaced: "Callable[[_ReadRun[_Content]], str]",
    unreadable: list[UndecodableRun],
) -> "list[tuple[_ReadRun[_Content], _Content]]":
    """Runs with what they say, the oldest first; the others are told of."""
    found = []
    for run in sorted(runs.values(), key=lambda run: run.started_ms):
        wrong = misplaced(run)
        if wrong:
            unreadable.append(_unreadable(run, wrong))
        elif isinstance(run.content, str):
            unreadable.append(_unreadable(run, run.content))
        else:
            found.append((run, run.content))
    return found


def _unreadable(run: "_ReadRun[_Content]", reason: str) -> UndecodableRun:
    return UndecodableRun(run_id=run.run_id, reason=reason)


def _started_ms(run: "Run") -> int:
    return run.info.start_time or 0
