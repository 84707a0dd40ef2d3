"""Epochs after which trials are compared."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rungs:
    """A ladder of epochs: `first · reduction_factor ** k`, as far as that is below the full budget.

    There is none at the full budget: a trial that gets there is complete.

    Attributes:
        first: Epoch of the first rung.
        reduction_factor: η, at least 2: one in η goes on from each rung.
        epochs: Full budget of a trial.

    Raises:
        ValueError: No trial could ever be stopped, or all of them would be.
    """

    first: int
    reduction_factor: int
    epochs: int

    def __post_init__(self) -> None:
        if self.reduction_factor < 2:
            raise ValueError(
                f"reduction_factor (={self.reduction_factor}) must be at least 2: one in so many "
                "trials goes on"
            )
        if not 1 <= self.first < self.epochs:
            raise ValueError(
                f"first (={self.first}) must be at least 1 and below the full budget "
                f"(={self.epochs} epochs): nothing could be stopped"
            )

    @property
    def at(self) -> tuple[int, ...]:
        """The epochs of all rungs, in order."""
        epochs = []
        epoch = self.first
        while epoch < self.epochs:
            epochs.append(epoch)
            epoch *= self.reduction_factor
        return tuple(epochs)


def default_first_rung(epochs: int, reduction_factor: int) -> int:
    """The first rung of a study that names none: that which leads to three rungs in all.

    An epoch tells much: a study that compares after the first of 27 epochs reaches the same front
    with fewer epochs than one that waits for the third, and ends no lower
    (`docs/results/early_stopping`). More rungs leave hardly a trial to be complete, and a front is
    made of complete trials.

    Args:
        epochs: Full budget of a trial.
        reduction_factor: η.

    Returns:
        The full budget over η³, rounded up.
    """
    return -(-epochs // reduction_factor**3)
