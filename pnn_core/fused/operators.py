"""Choice between the fused CPU operators and torch's own.

The fused operators are used if they are built and support the arguments; `cpu` documents what they
compute.
"""

import contextlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pnn_core.config import FUSED, TORCH, Arithmetic
from pnn_core.fused.compile import build, is_whole, library_path


class OperatorsError(RuntimeError):
    """Built operators that cannot be used: networks would train by another arithmetic."""


@cache
def are_built() -> bool:
    """Load the operators, if `pnn_core.fused.compile` has built them, and return True if it has.

    A library that is damaged, or was built in a shared home folder by a machine with another C
    library, is built again.

    Raises:
        OperatorsError: It cannot be.
    """
    try:
        library = library_path()
        if not library.is_file():
            return False
    # There is no home folder, or it is another user's; or nobody knows torch's version.
    except (OSError, RuntimeError, ImportError):
        return False
    try:
        _load(library)
    except (OSError, RuntimeError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise OperatorsError(
            f"{library} is damaged and cannot be built again ({reason}): bring the C++ compiler "
            "back, or remove the file and begin a new study, which torch's own operators train "
            "with other last digits"
        ) from error
    return True


def use_operators(arithmetic: Arithmetic | None) -> None:
    """Choose what trains networks on the CPU in this process; built operators, unless it is called.

    Args:
        arithmetic: Operators that train them; None for the operators where they are built.

    Raises:
        OperatorsError: The fused operators are asked for and cannot be built.
    """
    _left_out.clear()
    if arithmetic == TORCH:
        _left_out.add(TORCH)
    elif not are_built() and arithmetic == FUSED:
        try:
            build()
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise OperatorsError(f"the fused operators cannot be built: {reason}") from error
        are_built.cache_clear()
        are_built()


def arithmetic_on(device: torch.device) -> Arithmetic:
    """Return what trains networks on a device in this process."""
    return FUSED if device.type == "cpu" and not _left_out and are_built() else TORCH


_left_out: set[Arithmetic] = set()
"""Not empty where built operators are left out in this process."""


def _load(library: Path) -> None:
    """Load a library, built again where it is not whole or cannot be loaded."""
    if is_whole(library):
        with contextlib.suppress(OSError):
            torch.ops.load_library(library)
            return
    torch.ops.load_library(build(anew=True))


def perturb_combine(
    x: torch.Tensor,
    summands: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
    norm: nn.Module,
    conv: nn.Conv2d,
    *,
    fan_out: int,
    output_norm: nn.BatchNorm2d | None = None,
    shortcut: torch.Tensor | None = None,
    relu: bool = False,
) -> torch.Tensor | None:
    """Apply noise, ReLU, batch normalisation, if any, and a 1×1, without storing any map.

    Args:
        x: Input, `[batch, p, height, width]`.
        summands: Function of x that returns it, or `[batch, m, height, width]` in its place, and
            the noise N, `[1, m, height, width]`. Called at most once, and, if N is fixed and of
            x's type, only where the operator is used: noise may be drawn in it.
        norm: Normalisation of the m maps; `nn.Identity` for none.
        conv: The 1×1, with a `weight` of `[q, m / groups, 1, 1]` and a `bias`.
        fan_out: Masks per input channel, m / p.
        output_norm: Normalisation of the q outputs; None for none.
        shortcut: Tensor of the outputs' shape, added after `output_norm`.
        relu: True if a ReLU follows `output_norm`.

    Returns:
        `[batch, q, height, width]`; None if torch's own operators must be used.
    """
    norms = [each for each in (norm, output_norm) if isinstance(each, nn.BatchNorm2d)]
    learned = [conv.weight, conv.bias]
    for each in norms:
        learned += [each.weight, each.bias]
    is_training = norm.training and conv.training and (output_norm is None or output_norm.training)
    if not _takes(x, learned, is_training=is_training):
        return None
    batch, channels, height, width = x.shape
    before = norm if isinstance(norm, nn.BatchNorm2d) else None
    if before is not None and not _is_usual(before, channels * fan_out):
        return None
    outputs = conv.weight.shape[0]
    if output_norm is not None:
        if not _is_usual(output_norm, outputs) or output_norm.training != norm.training:
            return None
        if not _fits(shortcut, (batch, outputs, height, width), x.dtype):
            return None
    x, masks = summands(x)
    if masks.requires_grad or masks.dtype != x.dtype:
        return None
    if masks.shape != (1, channels * fan_out, height, width):
        return None
    y: torch.Tensor = torch.ops.pnn_core.perturb_combine(
        x,
        masks,
        conv.weight,
        conv.bias,
        *_numbers(before),
        *_numbers(output_norm),
        shortcut,
        relu,
        norm.training,
    )
    return y


def normalise_add_relu(
    x: torch.Tensor, norm: nn.BatchNorm2d, shortcut: torch.Tensor | None, *, relu: bool
) -> torch.Tensor | None:
    """Apply batch normalisation, add a shortcut, if any, then apply a ReLU, if asked for.

    Args:
        x: Input, `[batch, channels, height, width]`.
        norm: Normalisation of its channels.
        shortcut: Tensor of the same shape, or None.
        relu: True if a ReLU follows.

    Returns:
        A tensor of the same shape; None if torch's own operators must be used.
    """
    learned = (norm.weight, norm.bias)
    if not _takes(x, learned, is_training=norm.training) or not _is_usual(norm, x.shape[1]):
        return None
    if not _fits(shortcut, x.shape, x.dtype):
        return None
    y: torch.Tensor = torch.ops.pnn_core.normalise_add_relu(
        x, *_numbers(norm), shortcut, relu, norm.training
    )
    return y


def max_pool(x: torch.Tensor, pool: nn.MaxPool2d) -> torch.Tensor | None:
    """Pool the largest of each 2×2 pixels; at an odd edge, of the pixels inside.

    Args:
        x: Input, `[batch, channels, height, width]`.
        pool: Settings of the pool.

    Returns:
        `[batch, channels, ⌈height / 2⌉, ⌈width / 2⌉]`; None if torch's own operator must be
        used.
    """
    is_usual = (
        pool.kernel_size == pool.stride == 2
        and (pool.padding, pool.dilation, pool.return_indices) == (0, 1, False)
        and (pool.ceil_mode or not (x.shape[-2] % 2 or x.shape[-1] % 2))
    )
    if not is_usual or not _takes(x, (), is_training=True):
        return None
    y: torch.Tensor = torch.ops.pnn_core.max_pool(x)
    return y


def _takes(x: torch.Tensor, learned: Sequence[torch.Tensor | None], *, is_training: bool) -> bool:
    """Return True if the operators can compute, and differentiate, what modules do with x.

    They read memory as it lies and check no shape: torch's own operators report what is wrong.

    Args:
        x: Input of the modules.
        learned: Learnable parameters of the modules; None for those that are missing.
        is_training: True if all modules are in training mode; gradients through running statistics
            are not supported.
    """
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64) or x.ndim != 4:
        return False
    if any(p is not None and (p.dtype != x.dtype or not p.is_contiguous()) for p in learned):
        return False
    if not is_training and torch.is_grad_enabled():
        return False
    if torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
        return False
    has_several = x.numel() > x.shape[1]  # per channel
    return has_several and not _left_out and are_built()


def _is_usual(norm: nn.BatchNorm2d, channels: int) -> bool:
    """Return True if a normalisation has that many channels, learns, and keeps running averages."""
    learns_and_keeps = norm.affine and norm.track_running_stats and norm.momentum is not None
    return learns_and_keeps and norm.num_features == channels


def _fits(shortcut: torch.Tensor | None, shape: Sequence[int], dtype: torch.dtype) -> bool:
    """Return True if a shortcut, if any, can be added without broadcasting or conversion."""
    return shortcut is None or (shortcut.shape == shape and shortcut.dtype == dtype)


def _numbers(norm: nn.BatchNorm2d | None) -> tuple[list[Any], float | None, float]:
    """Return tensors, momentum and epsilon as the operators take them."""
    if norm is None:
        return [], 0.0, 0.0
    tensors = [
        norm.weight,
        norm.bias,
        norm.running_mean,
        norm.running_var,
        norm.num_batches_tracked,
    ]
    return tensors, norm.momentum, norm.eps
