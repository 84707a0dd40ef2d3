"""The fused CPU operators, where they are built and can take what they are given.

This is the one place that chooses between them and torch's own operators, which everything falls
back on: `cpu` says what the operators compute.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn

from pnn_core.fused.build import library_path


@cache
def are_built() -> bool:
    """Whether this process has the operators; they are loaded if `pnn_core.fused.build` ran.

    A library that this process cannot load, such as one that a machine with another C library built
    in a shared home folder, is warned of and left alone.
    """
    try:
        library = library_path()
        if not library.is_file():
            return False
    except (OSError, RuntimeError):  # there is no home folder, or it is another user's
        return False
    try:
        torch.ops.load_library(library)
    except OSError as error:
        warnings.warn(
            f"{library} cannot be loaded ({error.__cause__ or error}), so networks train by "
            "torch's own operators: remove it and run python -m pnn_core.fused.build",
            stacklevel=2,
        )
        return False
    return True


def perturb_combine(
    x: torch.Tensor,
    noise: Callable[[], torch.Tensor],
    norm: nn.Module,
    conv: nn.Conv2d,
    *,
    fan_out: int,
) -> torch.Tensor | None:
    """Noise, ReLU, then batch normalisation, if any, and a 1×1, without storing any map.

    Args:
        x: `[batch, p, height, width]`.
        noise: Gives N, `[1, m, height, width]`.
        norm: Of the m maps; `nn.Identity` for none.
        conv: The 1×1, with a `weight` of `[q, m / groups, 1, 1]` and a `bias`.
        fan_out: m / p.

    Returns:
        `[batch, q, height, width]`; None where torch's own operators have to do it.
    """
    batch_norm = norm if isinstance(norm, nn.BatchNorm2d) else None
    learned = [conv.weight, conv.bias]
    if batch_norm is not None:
        learned += [batch_norm.weight, batch_norm.bias]
    if not _takes(x, learned, is_training=conv.training and norm.training):
        return None
    masks = noise()
    if masks.requires_grad or masks.dtype != x.dtype:
        return None
    _, channels, height, width = x.shape
    if masks.shape != (1, channels * fan_out, height, width):
        return None
    numbers: tuple[Any, ...] = (*(None,) * 5, 0.0, 0.0)
    if batch_norm is not None:
        if not _is_usual(batch_norm, channels * fan_out):
            return None
        numbers = _numbers(batch_norm)
    y: torch.Tensor = torch.ops.pnn_core.perturb_combine(
        x, masks, conv.weight, conv.bias, *numbers, norm.training
    )
    return y


def normalise_add_relu(
    x: torch.Tensor, norm: nn.BatchNorm2d, shortcut: torch.Tensor | None, *, relu: bool
) -> torch.Tensor | None:
    """Batch normalisation, plus a shortcut, if any, and then a ReLU, if asked for.

    Args:
        x: `[batch, channels, height, width]`.
        norm: Of its channels.
        shortcut: Of the same shape.
        relu: Whether a ReLU follows.

    Returns:
        The same shape; None where torch's own operators have to do it.
    """
    learned = (norm.weight, norm.bias)
    if not _takes(x, learned, is_training=norm.training) or not _is_usual(norm, x.shape[1]):
        return None
    if shortcut is not None and (shortcut.shape != x.shape or shortcut.dtype != x.dtype):
        return None
    y: torch.Tensor = torch.ops.pnn_core.normalise_add_relu(
        x, *_numbers(norm), norm.training, shortcut, relu
    )
    return y


def max_pool(x: torch.Tensor, pool: nn.MaxPool2d) -> torch.Tensor | None:
    """The largest of each 2×2 pixels; at an odd edge, of those that are there.

    Args:
        x: `[batch, channels, height, width]`.
        pool: Its settings.

    Returns:
        `[batch, channels, ⌈height / 2⌉, ⌈width / 2⌉]`; None where torch's own has to do
        it.
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
    """Whether the operators can compute, and differentiate, what modules do with x.

    They read memory as it lies and check no shape: what torch refuses is left to torch's own words.

    Args:
        x: Goes in.
        learned: What the modules learn, as far as they have it.
        is_training: Whether all of them are; gradients through running statistics are nobody's
            training.
    """
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64) or x.ndim != 4:
        return False
    if any(p is not None and (p.dtype != x.dtype or not p.is_contiguous()) for p in learned):
        return False
    if not is_training and torch.is_grad_enabled():
        return False
    if torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
        return False
    return x.numel() > x.shape[1] and are_built()  # more than a number of each channel


def _is_usual(norm: nn.BatchNorm2d, channels: int) -> bool:
    """Whether a normalisation is of that many channels, learns, and keeps a running average."""
    learns_and_keeps = norm.affine and norm.track_running_stats and norm.momentum is not None
    return learns_and_keeps and norm.num_features == channels


def _numbers(norm: nn.BatchNorm2d) -> tuple[Any, ...]:
    return (
        norm.weight,
        norm.bias,
        norm.running_mean,
        norm.running_var,
        norm.num_batches_tracked,
        norm.momentum,
        norm.eps,
    )
