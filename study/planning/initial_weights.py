"""Weights that a study's detectors begin with: found, checked against its networks, and told of."""

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from pnn_core.config import DETECTION, DatasetShape, Normalisation
from pnn_core.parts.own_code import Kind, OwnCode
from pnn_core.parts.weight_files import IMAGENET
from search_spaces import SearchSpace
from search_spaces.narrowed import narrow
from study.command_line import blaming
from study.config import StudyConfig
from study.planning.arguments import Arguments
from study.planning.own_code import add_code, code_of_weights
from study.results.mlflow.store import MlflowStore
from study.results.network_choice import choose_network
from study.results.trial_key import TrialKey

if TYPE_CHECKING:
    from pnn_core.models.initial_weights import SavedWeights

NETWORKS_TRIED = 200
"""Number of a space's training runs whose weights are looked for."""


def with_found_weights(arguments: Arguments) -> Arguments:
    """Find the weights of a network of one's own that `--init` names; for others nothing is done.

    Args:
        arguments: Options of a new study, with the other code of one's own made known.

    Raises:
        BadInputError: There is no such trial, or its weights were not kept.
    """
    if arguments.init in (None, IMAGENET):
        return arguments
    with blaming("--init", arguments.init):
        code = _find(TrialKey.parse(str(arguments.init)), arguments.tracking_uri)
        add_code(code)
    return replace(arguments, own=(*arguments.own, code))


def with_initial_weights(
    arguments: Arguments, space: SearchSpace, shape: DatasetShape
) -> SearchSpace:
    """Return the space with the weights that `--init` asks for, without networks of other shapes.

    Args:
        arguments: Options, with the weights among the code of one's own.
        space: Space that was asked for.
        shape: Shape of the data set's images.

    Raises:
        BadInputError: The weights are of another network than all of the space's.
    """
    if arguments.init is None:
        return space
    with blaming("--init", arguments.init):
        if shape.task != DETECTION:
            raise ValueError(
                f"{arguments.dataset} is for {shape.task}, in which all weights are drawn: leave "
                "it out"
            )
        name, normalisation = _recorded(arguments.own)
        return _fitting(space.with_initial_weights(name, normalisation), shape, name)


def describe_initial_weights(config: StudyConfig) -> str:
    """Say what networks begin with, in a line; empty where all of it is drawn."""
    if config.init is None:
        return ""
    lost = "; ".join(config.space.narrowed)
    left_out = f"; left out, because the weights are of another network: {lost}" if lost else ""
    drawn = "proposals and outputs are drawn"
    if config.init == IMAGENET:
        return f"networks begin with torchvision's weights from ImageNet; {drawn}{left_out}"
    return f"networks begin with the weights of {config.init}; masks, {drawn}{left_out}"


def require_weights_at_hand(config: StudyConfig) -> None:
    """Check that torchvision's weights are on this machine; download them where they are not.

    A worker that cannot have them fails its trial; those of other machines download for themselves.

    Raises:
        BadInputError: They cannot be downloaded.
    """
    if config.init != IMAGENET:
        return
    from pnn_core.models.imagenet_weights import require_downloaded  # imports torch

    models = {trial.model for trial in islice(config.space.examples(config.shape), NETWORKS_TRIED)}
    # torch says on standard output what it fetches, where results go.
    with blaming("--init", config.init), contextlib.redirect_stdout(sys.stderr):
        for model in sorted(models, key=lambda model: model.network):
            require_downloaded(model)


def _find(key: TrialKey, tracking_uri: str | None) -> OwnCode:
    store = MlflowStore(tracking_uri)
    store.check()
    study = store.load_study(key.study)
    run, seed = choose_network(study, key.number, None, None, ())
    with store.weights(key.study, run, seed) as path:
        if path is None:
            raise ValueError(
                "its weights were not kept, or not sent to the tracker yet: accepted are trials of "
                "a study's front"
            )
        return code_of_weights(str(key), path)


def _recorded(own: Sequence[OwnCode]) -> tuple[str, Normalisation]:
    """Return the recorded name of the weights, and the normalisation that they expect."""
    code = next((code for code in own if code.kind is Kind.WEIGHTS), None)
    if code is None:
        return IMAGENET, "imagenet"
    return code.name, _saved(code.name).network.card.trial.normalisation


def _saved(name: str) -> "SavedWeights":
    from pnn_core.models.initial_weights import SavedWeights, find_initial_weights

    weights = find_initial_weights(name)
    assert isinstance(weights, SavedWeights)  # noqa: S101  # ImageNet's have no file
    return weights


def _fitting(space: SearchSpace, shape: DatasetShape, name: str) -> SearchSpace:
    from pnn_core.models.initial_weights import find_initial_weights  # imports torch

    weights = find_initial_weights(name)
    assert weights is not None  # noqa: S101  # a name was given
    return narrow(space, shape, weights.require_fit)
