"""Networks that torch's compiler turns into fewer kernels, where a run is long enough for it.

A compilation takes a minute or two, and a compiled step is shorter. Kernels are kept in a folder
that all processes of a user on a machine share, `TORCHINDUCTOR_CACHE_DIR` or one in the user's own
cache: inductor's default is below `/tmp`, where others may write first, and it loads pickles.
Beside them this module keeps what compiling gave, so that the next run decides by measurements.

Not on a CPU: which network is compiled depends on how long steps take, and there equal settings
promise equal numbers. On a GPU last digits differ from run to run anyway.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from pnn_core.fused.compile import cache_folder

Forward = Callable[[torch.Tensor], torch.Tensor]
"""Function from a batch of images to logits: a network, as it is or compiled."""

ACTIVATION_BUDGET = 0.7
"""Part of the memory for saved activations that the compiler may use: what costs little is computed
again in the backward pass (`torch._functorch.config.activation_memory_budget`)."""


@dataclass(frozen=True, kw_only=True)
class CompileCost:
    """Cost and use of compiling a network.

    Attributes:
        seconds: Wall time of compiling it.
        share: Time of a compiled step, as a share of that of the network as it is.
    """

    seconds: float
    share: float


ASSUMED = CompileCost(seconds=120.0, share=0.8)
"""Cost where a network was not compiled on this machine yet: assumed, to err on the side of not
compiling. On a CPU compiling takes 75 to 113 s (`benchmarks/README.md`)."""


LEAST_SECONDS_LEFT = 10.0
"""Least time of the steps left for which compiling is thought of: the compiler's import alone takes
seconds."""


def pays(cost: CompileCost, step_seconds: float, steps: int) -> bool:
    """Return True if compiling saves more time than it takes.

    Args:
        cost: Cost of compiling.
        step_seconds: Time of a step of the network as it is.
        steps: Number of steps that are left.
    """
    return steps * step_seconds * (1 - cost.share) > cost.seconds


def is_compilable(network: nn.Module) -> bool:
    """Return True if a network computes the same when it is compiled: one that draws no dropout.

    The compiler draws dropout by a generator of its own.
    """
    return not any(isinstance(module, nn.Dropout) and module.p > 0 for module in network.modules())


def compiled(network: nn.Module) -> Forward:
    """Return the network's function, compiled at its first call and then for its arguments alone.

    By as many processes as this one has threads: trials beside it have CPUs of their own.
    """
    from torch._functorch import config as functorch
    from torch._inductor import config as inductor

    forward: Forward = torch.compile(network, fullgraph=True, dynamic=False)
    threads = torch.get_num_threads()
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(_cache_folder())

    def call(images: torch.Tensor) -> torch.Tensor:
        with (
            functorch.patch(activation_memory_budget=ACTIVATION_BUDGET),
            inductor.patch(compile_threads=threads),
        ):
            return forward(images)

    return call


class MeasuredCosts:
    """Cost of compiling a network, as measured on this machine.

    Args:
        network: The network.
        about: What else decides how long its steps take, such as the device and the batch.
    """

    def __init__(self, network: nn.Module, about: Sequence[object]) -> None:
        text = repr((torch.__version__, *about, network))
        self._name = f"pnn_core_{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def read(self) -> CompileCost:
        """Return what was measured, or `ASSUMED`."""
        with suppress(OSError, ValueError, TypeError):
            return CompileCost(**json.loads((_cache_folder() / self._name).read_text()))
        return ASSUMED

    def write(self, cost: CompileCost) -> None:
        """Keep what was measured; a folder that cannot be written to costs nothing but this."""
        with suppress(OSError):
            folder = _cache_folder()
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self._name).write_text(json.dumps(asdict(cost)))


def _cache_folder() -> Path:
    return Path(os.environ.get("TORCHINDUCTOR_CACHE_DIR") or cache_folder() / "inductor")
