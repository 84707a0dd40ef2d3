"""A study in a script or a notebook: its trials as data frames, its pictures as Plotly figures."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pnn_core.config import ParameterValue, Task
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from study.planning.own_code import parts_again
from study.results.layer_result import LayerResult
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.network_choice import choose_network
from study.results.paired_comparison import fixed_results
from study.results.pareto import front
from study.results.rerun_command import rerun_command
from study.results.run_record import RunRecord
from study.results.seal import seal_of
from study.results.study_info import StudyInfo
from study.results.trial_query import TrialQuery, values_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from pnn_core.models.saved_network import TrainedNetwork

Row = dict[str, ParameterValue | None]


class OpenedStudy:
    """A study as a tracker holds it, read once.

    Args:
        loaded: Study as read.
        tracking_uri: MLflow's store that it was read from, which has its weights; None for MLflow's
            own rule.
    """

    def __init__(self, loaded: LoadedStudy, tracking_uri: str | None = None) -> None:
        self._loaded = loaded
        self._tracking_uri = tracking_uri

    @property
    def name(self) -> str:
        """Name of the study."""
        return self._loaded.info.name

    @property
    def info(self) -> StudyInfo:
        """Facts of the study, such as its data set, objectives and seeds."""
        return self._loaded.info

    def trials(self, query: str = "") -> "pd.DataFrame":
        """Return trials, one a row: number, state, settings and metrics.

        Args:
            query: Condition on them, such as `val_accuracy > 0.95 and fan_out == 2`; empty for all
                trials (`study.results.trial_query`).

        Raises:
            ValueError: It is no query, or names neither a setting nor a metric.
        """
        return _frame([values_of(r) for r in TrialQuery(query).select(self._loaded.records)])

    def front(self) -> "pd.DataFrame":
        """Return the trials that no other beats on every objective, in the order of the front.

        Trials beyond a limit of the study are not among them.

        Where a trial was confirmed, the mean test accuracy over its fresh seeds stands beside it,
        with its 95% interval, unless the study is a planned experiment that is still sealed.
        """
        confirmed = {(r.trial, r.layer): r for r in self._results()}
        return _frame([self._front_row(r, confirmed) for r in self._front()])

    def confirmed(self) -> "pd.DataFrame":
        """Return what was measured on the test set, one row for each trial and layer.

        Settings that were tuned for each network stand beside it.
        Empty where nothing was confirmed, or the study is a planned experiment still sealed.
        """
        return _frame(
            [
                {
                    "trial": result.trial,
                    "layer": result.layer,
                    **result.tuned,
                    "learnable_params": result.learnable_params,
                    **_tested(self.info.task, result),
                    "collapses": result.collapses,
                }
                for result in self._results()
            ]
        )

    def figure(self, picture: str = "front") -> "go.Figure":
        """Draw one of the pictures that the pages show.

        Args:
            picture: Name of the picture, such as `front`, `importance` or `curves`.

        Raises:
            ValueError: There is no picture of that name, or it tells nothing of its networks.
        """
        from dashboards.scene import Scene  # a second, for Plotly
        from dashboards.view_options import ViewOptions
        from dashboards.views import picture_of

        entry = picture_of(picture, self._loaded.info.task)
        scene = Scene(
            studies=(self._loaded,),
            options=ViewOptions(),
            selected=None,
            now_ms=round(1000 * time.time()),
        )
        return entry.draw(scene).figure

    def network(
        self, trial: int, seed: int | None = None, layer: str | None = None
    ) -> "TrainedNetwork":
        """Load a trained network, which takes images as they are and says its classes.

        Args:
            trial: Number of the trial.
            seed: One of its seeds, or a fresh seed that confirmed it; None for the first one.
            layer: Spatial layer of a confirmed run, the trial's own or a control's; None for the
                trial's network of the search.

        Raises:
            ValueError: There is no such trial, seed or layer, its weights were not kept, or a file
                of one's own that it is built from is not to be found as it was.
            TrackerUnreachableError: The tracker does not answer.
        """
        from pnn_core.models.saved_network import load_network  # seconds, for torch

        run, own_seed = choose_network(self._loaded, trial, seed, layer, self._confirmed_runs())
        with MlflowStore(self._tracking_uri).weights(self.name, run, own_seed) as path:
            if path is None:
                again = rerun_command(self.name, trial, self.info, self._tracking_uri)
                raise ValueError(
                    f"the weights of {run} of study {self.name} were not kept, or not sent to the "
                    f"tracker yet; this trains the trial again and keeps them: {again}"
                )
            settings = self._loaded.trial(trial).parameters
            names = {run.layer or settings.get("layer"), settings.get("network")}
            parts_again(self.info, names.difference(NETWORKS.added, SPATIAL_LAYERS.added))
            return load_network(path)

    def _confirmed_runs(self) -> Sequence[RunRecord]:
        """Return the confirmed runs that may be seen."""
        seal = seal_of(self.info, self._loaded.records, self._loaded.confirmed)
        return () if seal is not None and not seal.is_open else self._loaded.confirmed

    def _front(self) -> tuple[RunRecord, ...]:
        return front(self._loaded.records, self.info.objectives, self.info.limit)

    def _results(self) -> Sequence[LayerResult]:
        return fixed_results(replace(self._loaded, confirmed=tuple(self._confirmed_runs())))

    def _front_row(self, record: RunRecord, confirmed: dict[tuple[int, str], LayerResult]) -> Row:
        row: Row = {**values_of(record)}
        result = confirmed.get((record.number, str(record.parameters.get("layer", ""))))
        if result is not None:
            row |= _tested(self.info.task, result)
        return row


def open_study(name: str, tracking_uri: str | None = None) -> OpenedStudy:
    """Read a study from its tracker.

    Args:
        name: Name of the study.
        tracking_uri: MLflow's store; None for MLflow's own rule (`MLFLOW_TRACKING_URI`, else its
            local one).

    Raises:
        UnknownStudyError: There is none of that name; the nearest one is named.
        TrackerUnreachableError: The tracker does not answer.
    """
    return OpenedStudy(MlflowStore(tracking_uri).load_study(name), tracking_uri)


def _tested(task: Task, result: LayerResult) -> Row:
    """Spell the mean figure of merit over seeds with its interval."""
    estimate, name = result.test_accuracy, task.tested
    low, high = (None, None) if estimate is None else estimate.interval or (None, None)
    return {
        name: None if estimate is None else estimate.mean,
        f"{name}_low": low,
        f"{name}_high": high,
        "seeds": len(result.test_accuracies),
    }


def _frame(rows: Sequence[Row] | Sequence[dict[str, ParameterValue]]) -> "pd.DataFrame":
    import pandas as pd  # half a second

    return pd.DataFrame([*rows])
