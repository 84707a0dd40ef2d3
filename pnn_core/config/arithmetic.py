"""Arithmetics that train a network: to the same results but for their last digits."""

from typing import Literal

Arithmetic = Literal["fused", "torch"]
"""Name of an arithmetic."""

FUSED: Arithmetic = "fused"
"""Fused operators of `pnn_core.fused`, compiled for a CPU."""

TORCH: Arithmetic = "torch"
"""Operators of torch itself."""

COMPILED = "compiled"
"""Kernels that torch's compiler wrote, on a GPU, in a run that was long enough for it. Nobody asks
for it: records tell of it, and what is begun from such a record trains by `TORCH`."""
