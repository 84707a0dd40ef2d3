"""Each kernel as a function of tensors: its sizes, its tiles and how its work is split.

Nothing is added up in the order in which programs happen to end: sums over pixels are made in
parts, which are then joined in order. The same input gives the same numbers.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl

from pnn_core.fused import triton_kernels as kernels

PROGRAMS = 256
"""That a kernel is split into where its work allows: about two for each unit of a large GPU."""

TILES = ((128, 128), (128, 64), (64, 64), (64, 32), (32, 32))
"""Rows and columns of an output that a program computes, from the most to the least work in one."""

BLOCK_ROWS = 64
"""Of a sum over rows, read at a time."""

BLOCK_COLUMNS = 64
"""Of a sum over rows, at most, made in one program."""

BLOCK_INNER = 32
"""Of a sum over columns, read at a time: more of them would take the registers of the tile."""

STAGES = 2
"""Reads under way at once; more would take the memory of a second program on the same unit."""


class Maps(NamedTuple):
    """The m perturbed maps, as what they are made of.

    Attributes:
        x: `[batch, channels, height, width]`, channels last in memory.
        noise: N, in any layout.
        rows: Pixels of all images.
        pixels: Of one image.
        channels: p.
        fan_out: Maps per channel.
        noise_pixel_stride: From one pixel of a mask to the next.
        noise_channel_stride: From one channel's masks to the next's; 0 where all share them.
        noise_mask_stride: From one mask of a channel to the next.
    """

    x: torch.Tensor
    noise: torch.Tensor
    rows: int
    pixels: int
    channels: int
    fan_out: int
    noise_pixel_stride: int
    noise_channel_stride: int
    noise_mask_stride: int

    @classmethod
    def of(cls, x: torch.Tensor, noise: torch.Tensor, map_count: int) -> "Maps":
        """Describe maps.

        Args:
            x: `[batch, p, height, width]`, channels last.
            noise: `[1, m, height, width]`, or `[1, fan_out, height, width]` shared by all channels.
            map_count: m.
        """
        batch, channels, height, width = x.shape
        fan_out = map_count // channels
        flat = noise.detach().flatten(2)
        return cls(
            x=x,
            noise=flat,
            rows=batch * height * width,
            pixels=height * width,
            channels=channels,
            fan_out=fan_out,
            noise_pixel_stride=flat.stride(2),
            noise_channel_stride=fan_out * flat.stride(1) if flat.shape[1] == map_count else 0,
            noise_mask_stride=flat.stride(1),
        )

    @property
    def map_count(self) -> int:
        """How many maps there are, m."""
        return self.channels * self.fan_out

    @property
    def sum_dtype(self) -> torch.dtype:
        """In which sums are kept: float32, or float64 if x is."""
        return torch.promote_types(self.x.dtype, torch.float32)


class Norm(NamedTuple):
    """A normalisation of the maps: γ, β, μ and 1/σ, each `[m]`."""

    gamma: torch.Tensor
    beta: torch.Tensor
    mean: torch.Tensor
    inverse_std: torch.Tensor


class Running(NamedTuple):
    """A normalisation's running statistics, each `[m]`, and how they are updated.

    Attributes:
        mean: Running mean.
        variance: Running unbiased variance.
        momentum: Share of a new batch.
        eps: Added to the variance of a batch before its root is taken.
    """

    mean: torch.Tensor
    variance: torch.Tensor
    momentum: float
    eps: float


class WeightGradients(NamedTuple):
    """Gradients of all that is learned; those of γ and β only with a normalisation."""

    weight: torch.Tensor
    bias: torch.Tensor
    gamma: torch.Tensor | None
    beta: torch.Tensor | None


def batch_statistics(maps: Maps, running: Running) -> tuple[torch.Tensor, torch.Tensor]:
    """Each map's mean and 1/σ over the batch; the running statistics are updated."""
    block_channels = _block(maps.channels, BLOCK_COLUMNS)
    tiles = triton.cdiv(maps.channels, block_channels) * maps.fan_out
    parts, rows_each = _split(maps.rows, tiles)
    mean_parts, square_parts = _sums(maps, 2, parts, maps.map_count)
    mean, inverse_std = _sums(maps, 2, maps.map_count)
    acc = _accumulator(maps)
    with torch.cuda.device_of(maps.x):
        kernels.statistics_kernel[(parts, tiles)](
            maps, mean_parts, square_parts, rows_each,
            BLOCK_ROWS=BLOCK_ROWS, BLOCK_CHANNELS=block_channels, ACC=acc, num_warps=8,
        )  # fmt: skip
        kernels.join_statistics_kernel[(triton.cdiv(maps.map_count, 16),)](
            mean_parts, square_parts, parts, rows_each, maps.rows, maps.map_count, mean,
            inverse_std, running.mean, running.variance, EPS=running.eps,
            MOMENTUM=running.momentum, BLOCK_PARTS=triton.next_power_of_2(parts), BLOCK_MAPS=16,
            ACC=acc,
        )  # fmt: skip
    return mean, inverse_std


def combine(
    maps: Maps, weight: torch.Tensor, bias: torch.Tensor | None, norm: Norm | None
) -> torch.Tensor:
    """The output, `[batch, q, height, width]`, channels last, of the type of x."""
    batch, _, height, width = maps.x.shape
    out_channels = len(weight)
    output = maps.x.new_empty(batch, height, width, out_channels).permute(0, 3, 1, 2)
    block_rows, block_out = _tile(maps, out_channels)
    grid = (triton.cdiv(maps.rows, block_rows), triton.cdiv(out_channels, block_out))
    with torch.cuda.device_of(maps.x):
        kernels.combine_kernel[grid](
            maps, weight, bias, norm, output, out_channels,
            BLOCK_ROWS=block_rows, BLOCK_CHANNELS=_block(maps.channels, BLOCK_INNER),
            BLOCK_OUT=block_out, ACC=_accumulator(maps),
            num_warps=_warps(block_rows, block_out), num_stages=STAGES,
        )  # fmt: skip
    return output


def weight_gradients(
    maps: Maps, output_gradient: torch.Tensor, weight: torch.Tensor, norm: Norm | None
) -> WeightGradients:
    """From ∂y, channels last, to the gradients of weight, bias, γ and β."""
    out_channels = len(weight)
    block_channels = _block(maps.channels, BLOCK_COLUMNS)
    block_out = _block(out_channels, BLOCK_COLUMNS)
    out_tiles = triton.cdiv(out_channels, block_out)
    map_tiles = triton.cdiv(maps.channels, block_channels) * maps.fan_out
    parts, rows_each = _split(maps.rows, out_tiles * map_tiles)
    product_parts = _sums(maps, parts, out_channels, maps.map_count)
    sum_parts = _sums(maps, parts, out_channels)
    acc = _accumulator(maps)
    with torch.cuda.device_of(maps.x):
        kernels.weight_gradient_kernel[(parts, out_tiles, map_tiles)](
            maps, norm, output_gradient, product_parts, sum_parts, out_channels, rows_each,
            BLOCK_ROWS=BLOCK_ROWS, BLOCK_CHANNELS=block_channels, BLOCK_OUT=block_out, ACC=acc,
            num_warps=8, num_stages=STAGES,
        )  # fmt: skip
        product, total = product_parts.sum(0), sum_parts.sum(0)
        if norm is None:
            return WeightGradients(weight=product, bias=total, gamma=None, beta=None)
        gradient = torch.empty_like(product)
        gamma, beta = _sums(maps, 2, maps.map_count)
        kernels.norm_gradient_kernel[(triton.cdiv(maps.map_count, 16),)](
            product, total, weight, norm, gradient, gamma, beta, out_channels, maps.map_count,
            BLOCK_OUT=block_out, BLOCK_MAPS=16, ACC=acc,
        )  # fmt: skip
    return WeightGradients(weight=gradient, bias=total, gamma=gamma, beta=beta)


def input_gradient(
    maps: Maps,
    output_gradient: torch.Tensor,
    weight: torch.Tensor,
    norm: Norm | None,
    gamma_gradient: torch.Tensor | None,
    beta_gradient: torch.Tensor | None,
) -> torch.Tensor:
    """From ∂y, channels last, to ∂x, `[batch, p, height, width]`.

    Args:
        maps: The maps.
        output_gradient: ∂y.
        weight: V.
        norm: Of the maps.
        gamma_gradient: Where the statistics are the batch's own, and so depend on x.
        beta_gradient: Likewise.
    """
    gradient = torch.empty_like(maps.x)
    block_rows, block_channels = _tile(maps, maps.channels)
    grid = (triton.cdiv(maps.rows, block_rows), triton.cdiv(maps.channels, block_channels))
    with torch.cuda.device_of(maps.x):
        kernels.input_gradient_kernel[grid](
            maps, output_gradient, weight, norm, gamma_gradient, beta_gradient, gradient,
            len(weight), BLOCK_ROWS=block_rows, BLOCK_CHANNELS=block_channels,
            BLOCK_OUT=_block(len(weight), BLOCK_INNER), ACC=_accumulator(maps),
            num_warps=_warps(block_rows, block_channels), num_stages=STAGES,
        )  # fmt: skip
    return gradient


def _accumulator(maps: Maps) -> tl.dtype:
    return tl.float64 if maps.sum_dtype == torch.float64 else tl.float32


def _sums(maps: Maps, *shape: int) -> torch.Tensor:
    """Room for sums."""
    return torch.empty(shape, dtype=maps.sum_dtype, device=maps.x.device)


def _block(size: int, at_most: int) -> int:
    """A power of two; matrix products need 16 at least."""
    return int(max(16, min(at_most, triton.next_power_of_2(size))))


def _tile(maps: Maps, columns: int) -> tuple[int, int]:
    """The largest tile that still gives every unit of a large GPU something to do.

    A larger tile of numbers wider than 16 bits would not fit into the registers.
    """
    tiles = TILES if maps.x.element_size() <= 2 else TILES[-1:]
    for block_rows, widest in tiles:
        block_columns = _block(columns, widest)
        if (
            triton.cdiv(maps.rows, block_rows) * triton.cdiv(columns, block_columns)
            >= PROGRAMS // 2
        ):
            break
    return block_rows, block_columns


def _split(rows: int, tiles: int) -> tuple[int, int]:
    """Into how many parts to split a sum over rows, and how many rows each has."""
    parts = max(1, min(PROGRAMS // tiles, triton.cdiv(rows, BLOCK_ROWS)))
    rows_each = triton.cdiv(triton.cdiv(rows, parts), BLOCK_ROWS) * BLOCK_ROWS
    return triton.cdiv(rows, rows_each), rows_each


def _warps(block_rows: int, block_columns: int) -> int:
    return 8 if block_rows * block_columns >= 64 * 64 else 4
