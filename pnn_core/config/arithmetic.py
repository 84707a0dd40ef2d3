"""Arithmetics that train a network: to the same results but for their last digits."""

from typing import Literal

Arithmetic = Literal["fused", "torch"]
"""Name of an arithmetic."""

FUSED: Arithmetic = "fused"
"""Fused operators of `pnn_core.fused`, compiled for a CPU."""

TORCH: Arithmetic = "torch"
"""Operators of torch itself."""
