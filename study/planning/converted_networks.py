"""Networks of other people in a space: checked before anything is created, and told of."""

from collections.abc import Iterator
from itertools import islice

from pnn_core.config import DatasetShape, TrialConfig
from pnn_core.parts.networks import NETWORKS
from search_spaces import SearchSpace
from study.config import StudyConfig

EXAMPLES_TRIED = 200
"""Number of a space's training runs whose networks are looked at."""


def converted_networks(space: SearchSpace, shape: DatasetShape) -> dict[str, list[TrialConfig]]:
    """Return the converted networks of a space by name, each with examples of its training runs."""
    found: dict[str, list[TrialConfig]] = {}
    for trial in islice(space.examples(shape), EXAMPLES_TRIED):
        if NETWORKS[trial.model.network].has_own_widths:
            found.setdefault(trial.model.network, []).append(trial)
    return found


def require_convertible_networks(space: SearchSpace, shape: DatasetShape) -> None:
    """Check that each converted network of a space can be trained with its layers.

    Args:
        space: Search space.
        shape: Shape of the images, and number of classes.

    Raises:
        ValueError: Says in one sentence what does not hold.
    """
    for network, trials in converted_networks(space, shape).items():
        from pnn_core.models.costs import count_costs  # imports torch
        from pnn_core.models.own_network import require_convertible

        try:
            require_convertible(network, shape)
        except ValueError as error:
            # What the option names needs no second name.
            is_named = space.fixed.get("network") == network
            raise ValueError(str(error) if is_named else f"network {network} {error}") from error
        for trial in trials:
            count_costs(trial.model)


def describe_networks(config: StudyConfig) -> Iterator[str]:
    """Say which convolutions of converted networks are turned, and which axes that leaves out."""
    for network in converted_networks(config.space, config.shape):
        from pnn_core.models.own_network import require_convertible  # imports torch

        yield require_convertible(network, config.shape)
    if left_out := config.space.left_out:
        network = str(config.space.fixed["network"])
        verb = "change" if len(left_out) > 1 else "changes"
        yield (
            f"{' and '.join(left_out)} {verb} nothing about {network}, which has widths of its "
            f"own, and {'are' if len(left_out) > 1 else 'is'} not searched"
        )
