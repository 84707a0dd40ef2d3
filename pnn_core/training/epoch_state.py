"""An epoch that is under way, and where torch's generators stand in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from pnn_core.training.checkpoint import snapshot


# Tensors have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class EpochState:
    """An epoch of which some steps are done, perhaps none.

    Attributes:
        dropout_seed: What the epoch seeds torch's global generators with, which dropout draws from.
        generators: Their states after the last step done, by type of device, as bytes on the CPU;
            none before the first.
        losses: Of each step done, on the device that trains.
        seconds: Wall time of the steps done.
    """

    dropout_seed: int
    generators: Mapping[str, torch.Tensor] = field(default_factory=dict)
    losses: tuple[torch.Tensor, ...] = ()
    seconds: float = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The same, as tensors and plain values."""
        return {
            "dropout_seed": self.dropout_seed,
            "generators": self.generators,
            "losses": torch.stack(self.losses),
            "seconds": self.seconds,
        }

    @classmethod
    def of(cls, state: Mapping[str, Any], device: torch.device) -> "EpochState":
        """From `state_dict`, whose tensors are copied, to go on on a device."""
        return cls(
            dropout_seed=state["dropout_seed"],
            generators=snapshot(state["generators"]),
            losses=state["losses"].to(device, copy=True).unbind(),
            seconds=state["seconds"],
        )


@contextmanager
def fork_rng(device: torch.device) -> Iterator[None]:
    """Leave torch's global generators, on the CPU and on a device, as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


def restore_generators(begun: EpochState, device: torch.device) -> None:
    """Put torch's global generators where an epoch's last step left them."""
    torch.manual_seed(begun.dropout_seed)
    set_generator_states(begun.generators, device)


def set_generator_states(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Set torch's global generators; states of kinds of devices that are not here are left out."""
    for kind, state in states.items():
        if kind == "cpu":
            torch.set_rng_state(state)
        elif kind == device.type:
            torch.cuda.set_rng_state(state, device)


def generator_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Of torch's global generators on the CPU and, if it is a GPU, on a device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states
