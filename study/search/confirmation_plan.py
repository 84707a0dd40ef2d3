"""Plan of a confirmation: which runs confirm which trials."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnn_core.architecture.matched_size import control
from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, TrialConfig
from search_spaces import SearchSpace
from study.results.confirmed_choice import layers_beside
from study.results.run_record import RunKey, RunRecord
from study.results.tuning_point import TuningPoint


@dataclass(frozen=True, kw_only=True)
class ConfirmedNetwork:
    """Network of a trial, or of one of its controls, that is to be confirmed.

    Attributes:
        trial: Number of the trial.
        config: Training run with the trial's own schedule.
        size_difference: Learnable parameters over the trial's, minus 1.
        tuning: Grid that the network's own settings were chosen from; empty where they are the
            trial's.
    """

    trial: int
    config: TrialConfig
    size_difference: float
    tuning: tuple[TuningPoint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlannedRun(ConfirmedNetwork):
    """Run that confirms a network with a seed of its own, or tunes it before.

    Attributes:
        grid_point: Place in the tuning grid, from 1; 0 for a run that confirms.
        replicates: Number of seeds: `config.seed` and those that follow; 1 to confirm.
    """

    grid_point: int = 0
    replicates: int = 1

    @property
    def key(self) -> RunKey:
        """Identity within the study."""
        return RunKey(self.trial, self.config.model.layer, self.config.seed, self.grid_point)


def networks_to_confirm(
    trials: Sequence[RunRecord], space: SearchSpace, dataset: DatasetShape, controls: str
) -> tuple[ConfirmedNetwork, ...]:
    """Return every trial's network, each followed by those of its size with a control layer.

    They keep all settings of the trial but the layer and the width.

    Args:
        trials: Trials to confirm.
        space: Space that they come from: what it holds fixed and a trial's own layer has no use
            for, such as a noise level, is the other layers' too.
        dataset: Shape of the images.
        controls: Choice of controls; see `study.results.confirmed_choice`.

    Raises:
        ValueError: A network cannot hold a control.
    """
    return tuple(
        network for record in trials for network in _networks(record, space, dataset, controls)
    )


def plan_confirmation(networks: Sequence[ConfirmedNetwork], seeds: range) -> tuple[PlannedRun, ...]:
    """Plan the runs of a confirmation, seed after seed, so that a broken-off one has whole pairs.

    Where there are more runs than workers, each takes several seeds of a network at once.

    Args:
        networks: Networks to confirm.
        seeds: Fresh seeds for each, the same ones for all.
    """
    return tuple(
        PlannedRun(**{**vars(network), "config": replace(network.config, seed=seed)})
        for seed in seeds
        for network in networks
    )


def _networks(
    record: RunRecord, space: SearchSpace, dataset: DatasetShape, controls: str
) -> list[ConfirmedNetwork]:
    settings = {name: v for name, v in record.parameters.items() if name in PARAMETER_NAMES}
    own = TrialConfig(model=ModelConfig(dataset=dataset)).with_parameters(
        {**space.fixed, **settings}
    )
    # All luck is to be fresh, also that which the space held fixed.
    own = replace(own, initialisation_seed=None, mask_seed=None, data_order_seed=None)
    networks = [ConfirmedNetwork(trial=record.number, config=own, size_difference=0.0)]
    for layer in layers_beside(own.model, controls):
        chosen = control(own.model, layer)
        networks.append(
            ConfirmedNetwork(
                trial=record.number,
                config=replace(own, model=chosen.model),
                size_difference=chosen.size_difference,
            )
        )
    return networks
