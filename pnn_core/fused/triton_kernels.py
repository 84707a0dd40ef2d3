"""Kernels of the perturbation layer: each makes the perturbed maps it needs in registers.

They take `maps` and `norm`, named tuples of pointers and sizes (`pnn_core.fused.triton_launch`),
and `ACC`, the type in which sums are kept. Map i = c · fan_out + f is the f-th of channel c: a tile
is `[rows, channels]` for one f, so that images are read in whole lines whatever the fan-out is.
Rows are the pixels of all images.
"""

import triton
import triton.language as tl


@triton.jit
def perturbed_tile(maps, rows, channels, f, end, ACC: tl.constexpr):
    """relu(N + x), `[rows, channels]`, of each channel's f-th mask; 0 from row `end` on."""
    inside = (rows[:, None] < end) & (channels[None, :] < maps.channels)
    pixels = rows % maps.pixels
    x_offsets = rows[:, None].to(tl.int64) * maps.channels + channels[None, :]
    noise_offsets = (
        pixels[:, None] * maps.noise_pixel_stride
        + channels[None, :] * maps.noise_channel_stride
        + f * maps.noise_mask_stride
    )
    x = tl.load(maps.x + x_offsets, mask=inside, other=0.0).to(ACC)
    noise = tl.load(maps.noise + noise_offsets, mask=inside, other=0.0).to(ACC)
    perturbed = x + noise
    return tl.where(perturbed < 0.0, 0.0, perturbed)  # a maximum would hide NaN


@triton.jit
def statistics_kernel(
    maps, mean_parts, square_parts, rows_each, BLOCK_ROWS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Each map's mean and sum of squared deviations, of `rows_each` rows a program.

    Tiles are joined as Chan, Golub and LeVeque (1983) do: no squares of large sums are subtracted.
    """
    part, f = tl.program_id(0), tl.program_id(1) % maps.fan_out
    channels = tl.program_id(1) // maps.fan_out * BLOCK_CHANNELS + tl.arange(0, BLOCK_CHANNELS)
    first = part * rows_each
    end = tl.minimum(first + rows_each, maps.rows)
    mean = tl.zeros([BLOCK_CHANNELS], dtype=ACC)
    squares = tl.zeros([BLOCK_CHANNELS], dtype=ACC)
    for start in range(first, end, BLOCK_ROWS):
        rows = start + tl.arange(0, BLOCK_ROWS)
        tile = perturbed_tile(maps, rows, channels, f, end, ACC)
        seen = start - first
        count = tl.minimum(BLOCK_ROWS, end - start)
        tile_mean = tl.sum(tile, 0) / count
        deviation = tl.where(rows[:, None] < end, tile - tile_mean[None, :], 0.0)
        step = tile_mean - mean
        share = count / (seen + count).to(ACC)
        mean += step * share
        squares += tl.sum(deviation * deviation, 0) + step * step * (seen * share)
    offsets = part * (maps.channels * maps.fan_out) + channels * maps.fan_out + f
    tl.store(mean_parts + offsets, mean, mask=channels < maps.channels)
    tl.store(square_parts + offsets, squares, mask=channels < maps.channels)


@triton.jit
def join_statistics_kernel(
    mean_parts, square_parts, parts, rows_each, rows, map_count, mean, inverse_std, running_mean,
    running_var, EPS: tl.constexpr, MOMENTUM: tl.constexpr, BLOCK_PARTS: tl.constexpr,
    BLOCK_MAPS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Join the parts of `statistics_kernel`, always in the same order, and update what runs."""
    part = tl.arange(0, BLOCK_PARTS)[:, None]
    i = tl.program_id(0) * BLOCK_MAPS + tl.arange(0, BLOCK_MAPS)
    there = i < map_count
    inside = (part < parts) & there[None, :]
    count = tl.where(part < parts, tl.minimum(rows_each, rows - part * rows_each), 0).to(ACC)
    means = tl.load(mean_parts + part * map_count + i[None, :], mask=inside, other=0.0)
    squares = tl.load(square_parts + part * map_count + i[None, :], mask=inside, other=0.0)
    joined = tl.sum(means * count, 0) / rows
    deviation = means - joined[None, :]
    total = tl.sum(squares + deviation * deviation * count, 0)
    tl.store(mean + i, joined, mask=there)
    tl.store(inverse_std + i, 1.0 / tl.sqrt(total / rows + EPS), mask=there)
    old_mean = tl.load(running_mean + i, mask=there, other=0.0).to(ACC)
    old_var = tl.load(running_var + i, mask=there, other=0.0).to(ACC)
    tl.store(running_mean + i, old_mean + MOMENTUM * (joined - old_mean), mask=there)
    tl.store(running_var + i, old_var + MOMENTUM * (total / (rows - 1) - old_var), mask=there)


@triton.jit
def combine_kernel(
    maps, weight, bias, norm, output, out_channels, BLOCK_ROWS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr, BLOCK_OUT: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """The output: V r + b, or (V·diag(s)) (r − μ) + V β + b with a normalisation."""
    data_type: tl.constexpr = maps.x.dtype.element_ty
    rows = tl.program_id(0) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    outs = tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    map_count = maps.channels * maps.fan_out
    total = tl.zeros([BLOCK_ROWS, BLOCK_OUT], dtype=ACC)
    offset = tl.zeros([BLOCK_OUT], dtype=ACC)
    for f in range(maps.fan_out):
        for start in range(0, maps.channels, BLOCK_CHANNELS):
            channels = start + tl.arange(0, BLOCK_CHANNELS)
            tile = perturbed_tile(maps, rows, channels, f, maps.rows, ACC)
            there = channels < maps.channels
            i = channels * maps.fan_out + f
            inside = there[:, None] & (outs[None, :] < out_channels)
            v = tl.load(weight + outs[None, :] * map_count + i[:, None], mask=inside, other=0.0)
            v = v.to(ACC)
            if norm is not None:
                inverse_std = tl.load(norm.inverse_std + i, mask=there, other=0.0)
                scale = tl.load(norm.gamma + i, mask=there, other=0.0).to(ACC) * inverse_std
                beta = tl.load(norm.beta + i, mask=there, other=0.0).to(ACC)
                offset += tl.sum(v * beta[:, None], 0)
                v = v * scale[:, None]
                # Before it is rounded: what is rounded then is the deviation and not the mean.
                tile -= tl.load(norm.mean + i, mask=there, other=0.0).to(ACC)[None, :]
            total = tl.dot(
                tile.to(data_type), v.to(data_type), total, input_precision="ieee", out_dtype=ACC
            )
    if bias is not None:
        offset += tl.load(bias + outs, mask=outs < out_channels, other=0.0).to(ACC)
    inside = (rows[:, None] < maps.rows) & (outs[None, :] < out_channels)
    offsets = rows[:, None].to(tl.int64) * out_channels + outs[None, :]
    tl.store(output + offsets, total + offset[None, :], mask=inside)


@triton.jit
def weight_gradient_kernel(
    maps, norm, output_gradient, product_parts, sum_parts, out_channels, rows_each,
    BLOCK_ROWS: tl.constexpr, BLOCK_CHANNELS: tl.constexpr, BLOCK_OUT: tl.constexpr,
    ACC: tl.constexpr,
):  # fmt: skip
    """G = Σ ∂y (r − μ)ᵀ, or Σ ∂y rᵀ, and d = Σ ∂y, of `rows_each` rows a program."""
    data_type: tl.constexpr = maps.x.dtype.element_ty
    part, f = tl.program_id(0), tl.program_id(2) % maps.fan_out
    outs = tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    channels = tl.program_id(2) // maps.fan_out * BLOCK_CHANNELS + tl.arange(0, BLOCK_CHANNELS)
    first = part * rows_each
    end = tl.minimum(first + rows_each, maps.rows)
    product = tl.zeros([BLOCK_OUT, BLOCK_CHANNELS], dtype=ACC)
    total = tl.zeros([BLOCK_OUT], dtype=ACC)
    i = channels * maps.fan_out + f
    if norm is not None:
        mean = tl.load(norm.mean + i, mask=channels < maps.channels, other=0.0).to(ACC)
    for start in range(first, end, BLOCK_ROWS):
        rows = start + tl.arange(0, BLOCK_ROWS)
        tile = perturbed_tile(maps, rows, channels, f, end, ACC)
        if norm is not None:
            tile -= mean[None, :]
        inside = (outs[:, None] < out_channels) & (rows[None, :] < end)
        offsets = rows[None, :].to(tl.int64) * out_channels + outs[:, None]
        dy = tl.load(output_gradient + offsets, mask=inside, other=0.0)
        product = tl.dot(dy, tile.to(data_type), product, input_precision="ieee", out_dtype=ACC)
        total += tl.sum(dy.to(ACC), 1)
    map_count = maps.channels * maps.fan_out
    inside = (outs[:, None] < out_channels) & (channels[None, :] < maps.channels)
    offsets = (part * out_channels + outs[:, None]) * map_count + i[None, :]
    tl.store(product_parts + offsets, product, mask=inside)
    if tl.program_id(2) == 0:
        tl.store(sum_parts + part * out_channels + outs, total, mask=outs < out_channels)


@triton.jit
def norm_gradient_kernel(
    product, total, weight, norm, weight_gradient, gamma_gradient, beta_gradient, out_channels,
    map_count, BLOCK_OUT: tl.constexpr, BLOCK_MAPS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """∂V, ∂γ and ∂β from G and d (see `pnn_core.fused.triton_layer`)."""
    i = tl.program_id(0) * BLOCK_MAPS + tl.arange(0, BLOCK_MAPS)
    there = i < map_count
    inverse_std = tl.load(norm.inverse_std + i, mask=there, other=0.0)
    scale = tl.load(norm.gamma + i, mask=there, other=0.0).to(ACC) * inverse_std
    beta = tl.load(norm.beta + i, mask=there, other=0.0).to(ACC)
    gamma_total = tl.zeros([BLOCK_MAPS], dtype=ACC)
    beta_total = tl.zeros([BLOCK_MAPS], dtype=ACC)
    for start in range(0, out_channels, BLOCK_OUT):
        outs = start + tl.arange(0, BLOCK_OUT)
        inside = (outs[:, None] < out_channels) & there[None, :]
        offsets = outs[:, None] * map_count + i[None, :]
        v = tl.load(weight + offsets, mask=inside, other=0.0).to(ACC)
        d = tl.load(total + outs, mask=outs < out_channels, other=0.0)[:, None]
        g = tl.load(product + offsets, mask=inside, other=0.0)
        gamma_total += tl.sum(v * g, 0)
        beta_total += tl.sum(v * d, 0)
        gradient = g * scale[None, :] + d * beta[None, :]
        tl.store(weight_gradient + offsets, gradient, mask=inside)
    tl.store(gamma_gradient + i, gamma_total * inverse_std, mask=there)
    tl.store(beta_gradient + i, beta_total, mask=there)


@triton.jit
def input_gradient_kernel(
    maps, output_gradient, weight, norm, gamma_gradient, beta_gradient, input_gradient,
    out_channels, BLOCK_ROWS: tl.constexpr, BLOCK_CHANNELS: tl.constexpr, BLOCK_OUT: tl.constexpr,
    ACC: tl.constexpr,
):  # fmt: skip
    """∂x: what comes back to each map where it is above 0, summed over a channel's maps.

    Without gradients of γ and β the statistics were constants, as in evaluation.
    """
    data_type: tl.constexpr = maps.x.dtype.element_ty
    rows = tl.program_id(0) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    channels = tl.program_id(1) * BLOCK_CHANNELS + tl.arange(0, BLOCK_CHANNELS)
    there = channels < maps.channels
    map_count = maps.channels * maps.fan_out
    total = tl.zeros([BLOCK_ROWS, BLOCK_CHANNELS], dtype=ACC)
    for f in range(maps.fan_out):
        i = channels * maps.fan_out + f
        if norm is not None:
            inverse_std = tl.load(norm.inverse_std + i, mask=there, other=0.0)
            scale = tl.load(norm.gamma + i, mask=there, other=0.0).to(ACC) * inverse_std
        gradient = tl.zeros([BLOCK_ROWS, BLOCK_CHANNELS], dtype=ACC)
        for start in range(0, out_channels, BLOCK_OUT):
            outs = start + tl.arange(0, BLOCK_OUT)
            inside = (rows[:, None] < maps.rows) & (outs[None, :] < out_channels)
            offsets = rows[:, None].to(tl.int64) * out_channels + outs[None, :]
            dy = tl.load(output_gradient + offsets, mask=inside, other=0.0)
            inside = (outs[:, None] < out_channels) & there[None, :]
            v = tl.load(weight + outs[:, None] * map_count + i[None, :], mask=inside, other=0.0)
            v = v.to(ACC)
            if norm is not None:
                v = v * scale[None, :]
            gradient = tl.dot(dy, v.to(data_type), gradient, input_precision="ieee", out_dtype=ACC)
        tile = perturbed_tile(maps, rows, channels, f, maps.rows, ACC)
        if gamma_gradient is not None:
            mean = tl.load(norm.mean + i, mask=there, other=0.0).to(ACC)
            dgamma = tl.load(gamma_gradient + i, mask=there, other=0.0) * inverse_std
            dbeta = tl.load(beta_gradient + i, mask=there, other=0.0)
            deviation = tile - mean[None, :]
            gradient -= (scale / maps.rows)[None, :] * (
                dbeta[None, :] + deviation * dgamma[None, :]
            )
        total += tl.where(tile <= 0.0, 0.0, gradient)
    inside = (rows[:, None] < maps.rows) & there[None, :]
    offsets = rows[:, None].to(tl.int64) * maps.channels + channels[None, :]
    tl.store(input_gradient + offsets, total, mask=inside)
