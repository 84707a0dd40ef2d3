"""Plan of an experiment: what its arms are compared for, named before anything is trained."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PlannedComparison:
    """Comparison of two arms, which are variants of a space.

    Attributes:
        first: Variant whose accuracy minus the other's is the difference.
        second: Variant that it is compared with.
        matters: Smallest difference of test accuracies that would matter, in (0, 1).
    """

    first: str
    second: str
    matters: float

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise ValueError(f"first (={self.first!r}) must be another arm than second")
        if not 0 < self.matters < 1:
            raise ValueError(f"matters (={self.matters!r}) must lie above 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Comparisons that a space was made for, and the number of seeds that decide them.

    Attributes:
        comparisons: Comparisons in order, at least one; the first is the one named beforehand,
            whose verdict stands by itself.
        seeds: Number of fresh seeds of each arm, fixed beforehand, over all blocks of the
            experiment.
    """

    comparisons: tuple[PlannedComparison, ...]
    seeds: int

    def __post_init__(self) -> None:
        if not self.comparisons:
            raise ValueError("comparisons (=()) must hold at least one")
        if self.seeds < 1:
            raise ValueError(f"seeds (={self.seeds}) must be at least 1")
