"""An epoch that is under way, and the states of torch's generators in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from pnn_core.training.checkpoint import snapshot


# Tensors have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class EpochState:
    """An epoch of which some steps are done, perhaps none.

    Attributes:
        dropout_seed: Seed of torch's global generators in this epoch, which dropout draws from.
        generators: Their states after the last step done, by type of device, as bytes on the CPU;
            empty before the first step.
        losses: Loss of each step done, on the device that trains.
        seconds: Wall time of the steps done.
    """

    dropout_seed: int
    generators: Mapping[str, torch.Tensor] = field(default_factory=dict)
    losses: tuple[torch.Tensor, ...] = ()
    seconds: float = 0.0

    def advanced(
        self,
        losses: Sequence[torch.Tensor],
        generators: Mapping[str, torch.Tensor],
        seconds: float,
    ) -> "EpochState":
        """Return the state after further steps.

        Args:
            losses: Loss of each further step.
            generators: States of torch's global generators after them.
            seconds: Wall time of them.
        """
        return replace(
            self,
            generators=generators,
            losses=(*self.losses, *losses),
            seconds=self.seconds + seconds,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state as tensors and plain values."""
        return {
            "dropout_seed": self.dropout_seed,
            "generators": self.generators,
            "losses": torch.stack(self.losses),
            "seconds": self.seconds,
        }

    @classmethod
    def of(cls, state: Mapping[str, Any], device: torch.device) -> "EpochState":
        """Restore a state from its `state_dict`, whose tensors are copied to the device."""
        return cls(
            dropout_seed=state["dropout_seed"],
            generators=snapshot(state["generators"]),
            losses=state["losses"].to(device, copy=True).unbind(),
            seconds=state["seconds"],
        )


@contextmanager
def fork_rng(device: torch.device) -> Iterator[None]:
    """Restore torch's global generators, of the CPU and of a device, on leaving."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


def restore_generators(epoch_state: EpochState, device: torch.device) -> None:
    """Set torch's global generators to their states after an epoch's last step."""
    torch.manual_seed(epoch_state.dropout_seed)
    set_generator_states(epoch_state.generators, device)


def set_generator_states(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Set torch's global generators; states of device types that are not here are ignored."""
    for kind, state in states.items():
        if kind == "cpu":
            torch.set_rng_state(state)
        elif kind == device.type:
            torch.cuda.set_rng_state(state, device)


def generator_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of torch's global generators, of the CPU and of a device that is a GPU."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states
