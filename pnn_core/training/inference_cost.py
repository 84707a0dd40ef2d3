"""Costs of using a trained network: time and memory for one image."""

import statistics
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

# The one place with a private module of torch's: on a CPU nothing public says what is alive at
# once. A counter of torch's own for the CPU's memory would end it.
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WARM_UPS = 10
MOST_TIMED = 100
LONGEST_SECONDS = 2.0
"""Number of forward passes before and while timing, and a bound on their time."""


@torch.no_grad()
def measure_latency(network: nn.Module, image: torch.Tensor) -> float:
    """Return the median time of a forward pass, in ms, with the number of threads as it is.

    Args:
        network: Network; is put into evaluation mode.
        image: Batch of one image on the network's device.
    """
    network.eval()
    seconds: list[float] = []
    begun = time.perf_counter()
    for number in range(WARM_UPS + MOST_TIMED):
        started = time.perf_counter()
        network(image)
        if image.is_cuda:
            torch.cuda.synchronize(image.device)
        if number >= WARM_UPS:
            seconds.append(time.perf_counter() - started)
        if seconds and time.perf_counter() - begun > LONGEST_SECONDS:
            break
    return 1000 * statistics.median(seconds)


@torch.no_grad()
def measure_peak_memory(network: nn.Module, image: torch.Tensor) -> int:
    """Return the bytes that are alive at once in a forward pass; the same on every device.

    Weights, buffers, the image and every tensor that an operator gives; not what an operator needs
    within itself.

    Args:
        network: Network; is put into evaluation mode.
        image: Batch of one image on the network's device.
    """
    network.eval()
    held = {t.untyped_storage()._cdata for t in (*network.parameters(), *network.buffers(), image)}
    constant: int = sum(t.nbytes for t in (*network.parameters(), *network.buffers(), image))
    live = _LiveBytes(held)
    with live:
        network(image)
    return constant + live.peak


class _LiveBytes(TorchDispatchMode):
    """Bytes of the storages that operators have made and that are still referred to.

    Args:
        held: Storages that were there before, which are not counted.
    """

    def __init__(self, held: set[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self._known = held
        self._now: int = 0
        self.peak: int = 0

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401  # torch's signature
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # torch's signature
        """Call an operator and count what it gives."""
        given = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(given):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return given

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size
