"""A trial that some study recorded, run again just as it was."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DETECTION, Arithmetic, DatasetShape, ParameterValue
from pnn_core.config.checks import require_at_least
from search_spaces import SearchSpace
from search_spaces.buildable import require_a_network
from search_spaces.setting_names import CHOSEN_ELSEWHERE, VARIANT
from study.command_line import blaming
from study.planning.arguments import DEFAULTS, Arguments
from study.planning.own_code import code_again
from study.planning.study_file import describe_images, read_arithmetic
from study.results.mlflow.store import MlflowStore
from study.results.setting import OnRerun, options
from study.results.settings import Settings
from study.results.study_info import StudyInfo
from study.results.trial_key import TrialKey

SHOWN = ("mask_count", "fan_out", "noise_level", "batch_size")
"""Settings that a rerun's table shows, where the trial has them."""


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """A recorded trial that is to be run again.

    Attributes:
        key: Key of the trial.
        info: Study of the trial.
        parameters: Settings of its training run, as recorded.
        epochs: Full budget, among them.
        seed: First seed, among them.
        arithmetic: Arithmetic that trained it; None where that was not recorded.
    """

    key: TrialKey
    info: StudyInfo
    parameters: Mapping[str, ParameterValue]
    epochs: int
    seed: int
    arithmetic: Arithmetic | None = None

    def __post_init__(self) -> None:
        require_at_least(self, 1, "epochs")
        require_at_least(self, 0, "seed")
        require_at_least(self.info, 1, "replicates")

    @property
    def names(self) -> Iterator[str]:
        """Return names for the new study, of which the first free one is taken."""
        stem = f"{self.key.study[:80]}-trial-{self.key.number}"
        return itertools.chain([stem], (f"{stem}-{count}" for count in itertools.count(2)))

    def complete(self, arguments: Arguments) -> Arguments:
        """Complete what was typed by what the trial was trained with.

        Raises:
            BadInputError: Code of one's own is not to be found as it was.
        """
        values: dict[str, Any] = {}
        for name, declared in options(Settings).items():
            match declared.on_rerun:
                case OnRerun.OF_STUDY:
                    values[name] = getattr(self.info, name)
                case OnRerun.OF_TRIAL:
                    values[name] = self.parameters[name]
                case OnRerun.DEFAULT:
                    values[name] = getattr(DEFAULTS, name)
        images = self.info.images
        if images is not None and images.task == DETECTION:
            values["canvas"] = images.height
        with blaming("--rerun", self.key):
            own = code_again(self.info, self.parameters.values())
        return replace(arguments, space=str(self.key), own=own, **values)

    def space(self, dataset: DatasetShape) -> SearchSpace:
        """Make the space that holds the trial and nothing else.

        Args:
            dataset: Shape of the images.

        Raises:
            ValueError: This version of the program would train something else.
        """
        space = rerun_space(str(self.key), self.parameters)
        require_a_network(space, dataset)
        (point,) = space.grid_points(dataset)
        config = space.configure(point, dataset=dataset, epochs=self.epochs, seed=self.seed)
        if odd := sorted(self.parameters.keys() - config.parameters().keys() - {VARIANT}):
            raise ValueError(
                f"its setting {odd[0]} (={self.parameters[odd[0]]!r}) changes nothing in this "
                "version of the program, which would train something else"
            )
        return space

    def require_images(self, dataset: DatasetShape) -> None:
        """Check that the images are of the shape that the trial was trained on.

        Args:
            dataset: Shape of the images.

        Raises:
            ValueError: They are not. Of studies that did not record their shape, nothing is known.
        """
        was = self.info.images
        if was not in (None, dataset):
            raise ValueError(
                f"holds images of {describe_images(dataset)}, and trial {self.key} was trained on "
                f"{describe_images(was)}: name the folder of those"
            )


def find_rerun(arguments: Arguments) -> Rerun | None:
    """Read the trial that is to be run again; None where a space is to be searched.

    Args:
        arguments: Options as typed.

    Raises:
        BadInputError: The tracker cannot be used, or holds no such trial, or too little of it.
    """
    key = arguments.rerun
    if key is None:
        return None
    store = MlflowStore(arguments.tracking_uri)
    with blaming("--tracking-uri", store.shown_uri):
        store.check()
    with blaming("--rerun", key):
        study = store.load_study(key.study)
        record = study.trial(key.number)
        parameters = record.parameters
        for name in CHOSEN_ELSEWHERE:
            if not isinstance(parameters.get(name), int):
                raise ValueError(f"its run does not say with which {name} it was trained")
        return Rerun(
            key=key,
            info=study.info,
            parameters=parameters,
            epochs=int(parameters["epochs"]),
            seed=int(parameters["seed"]),
            arithmetic=read_arithmetic(record.arithmetic or None),
        )


def rerun_space(name: str, parameters: Mapping[str, ParameterValue]) -> SearchSpace:
    """Make a space of one point.

    Args:
        name: Name of the space.
        parameters: Settings of a trial, as recorded.

    Raises:
        ValueError: They are no settings of a training run.
    """
    settings = {n: v for n, v in parameters.items() if n not in (*CHOSEN_ELSEWHERE, VARIANT)}
    summary = "one trial, run again"
    if VARIANT in parameters:  # the trial keeps the name that its reader knows it by
        variants = {str(parameters[VARIANT]): settings}
        return SearchSpace(name=name, summary=summary, variants=variants, is_grid=True)
    axes = {n: CategoricalDistribution((settings.pop(n),)) for n in SHOWN if n in settings}
    return SearchSpace(name=name, summary=summary, axes=axes, fixed=settings, is_grid=True)
