"""Facts of a study that a sampler may use."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from pnn_core.config import Costs, DatasetShape, TrialConfig
from search_spaces import SearchSpace
from search_spaces.space import Point
from study.results.limit import Limits
from study.results.objective import Objective
from study.stopping.rungs import Rungs

CountCosts = Callable[[TrialConfig], Costs]


@dataclass(frozen=True, kw_only=True)
class SearchProblem:
    """What is searched, for what, and what ends a trial early.

    Attributes:
        space: Space that is searched.
        dataset: Shape of the images, which decides what can be built.
        objectives: Objectives, in their order.
        epochs: Full budget of a trial.
        rungs: Epochs at which trials may be stopped; None to run each to its full budget.
        limits: Limits of the study.
        belief: Settings that the user believes in; None where there are none.
        count_costs: Counts the costs of a training run's network without training it.
    """

    space: SearchSpace
    dataset: DatasetShape
    objectives: tuple[Objective, ...]
    epochs: int
    rungs: Rungs | None
    count_costs: CountCosts
    limits: Limits = ()
    belief: Point | None = None

    @property
    def levels(self) -> tuple[int, ...]:
        """Return the epochs at which trials are compared: the rungs and the full budget."""
        return (*(self.rungs.at if self.rungs else ()), self.epochs)

    @property
    def known(self) -> tuple[int, ...]:
        """Return the places of the objectives that follow from the network alone."""
        places = enumerate(self.objectives)
        return tuple(i for i, objective in places if objective.known_before_training)

    @property
    def measured(self) -> tuple[int, ...]:
        """Return the places of the objectives that training shows."""
        places = enumerate(self.objectives)
        return tuple(i for i, objective in places if not objective.known_before_training)

    def admits(self, point: Point) -> bool:
        """Return True if a point can be built, within the limits of what is known before training.

        Args:
            point: A value for every axis.
        """
        try:
            config = self.configure(point)
        except ValueError:
            return False
        known = [limit for limit in self.limits if limit.is_known_before_training]
        costs = asdict(self.count_costs(config)) if known else {}
        return all(limit.is_met(costs) for limit in known)

    def configure(self, point: Point) -> TrialConfig:
        """Return the training run that a point describes.

        Raises:
            ValueError: The point describes no network that can be built.
        """
        return self.space.configure(point, dataset=self.dataset, epochs=self.epochs, seed=0)


def count_network_costs(config: TrialConfig) -> Costs:
    """Count the costs on the network's shapes; imports torch."""
    from pnn_core.models.costs import count_costs

    return count_costs(config.model)
