"""Plan of a confirmation: which runs confirm which trials."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnn_core.architecture.matched_size import control
from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, TrialConfig
from search_spaces import SearchSpace
from study.results.confirmed_choice import layers_beside
from study.results.run_record import RunKey, RunRecord


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """Run that confirms a trial, or one of its controls.

    Attributes:
        trial: Number of the trial.
        config: Training run, with a fresh seed and the trial's own schedule.
        size_difference: Learnable parameters over the trial's, minus 1.
    """

    trial: int
    config: TrialConfig
    size_difference: float

    @property
    def key(self) -> RunKey:
        """Identity within the study."""
        return RunKey(self.trial, self.config.model.layer, self.config.seed)


def plan_confirmation(
    trials: Sequence[RunRecord],
    space: SearchSpace,
    dataset: DatasetShape,
    *,
    seeds: range,
    controls: str,
) -> tuple[PlannedRun, ...]:
    """Plan the runs of a confirmation, seed after seed, so that a broken-off one has whole pairs.

    Where there are more runs than workers, each takes several seeds of a network at once.

    Every trial is trained beside the networks of its size with each control layer, which keep all
    of its settings but the layer and the width.

    Args:
        trials: Trials to confirm.
        space: Space that they come from: what it holds fixed and a trial's own layer has no use
            for, such as a noise level, is the other layers' too.
        dataset: Shape of the images.
        seeds: Fresh seeds for each, the same ones for all.
        controls: Choice of controls; see `study.results.confirmed_choice`.

    Raises:
        ValueError: A network cannot hold a control.
    """
    networks = [
        (record, config, difference)
        for record in trials
        for config, difference in _networks(record, space, dataset, controls)
    ]
    return tuple(
        PlannedRun(
            trial=record.number, config=replace(config, seed=seed), size_difference=difference
        )
        for seed in seeds
        for record, config, difference in networks
    )


def _networks(
    record: RunRecord, space: SearchSpace, dataset: DatasetShape, controls: str
) -> list[tuple[TrialConfig, float]]:
    """Return the trial's own network and its controls, each with its difference in size."""
    settings = {name: v for name, v in record.parameters.items() if name in PARAMETER_NAMES}
    own = TrialConfig(model=ModelConfig(dataset=dataset)).with_parameters(
        {**space.fixed, **settings}
    )
    # All luck is to be fresh, also that which the space held fixed.
    own = replace(own, initialisation_seed=None, mask_seed=None, data_order_seed=None)
    networks = [(own, 0.0)]
    for layer in layers_beside(own.model, controls):
        chosen = control(own.model, layer)
        networks.append((replace(own, model=chosen.model), chosen.size_difference))
    return networks
