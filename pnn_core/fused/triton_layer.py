"""The perturbation layer on a GPU, in training and evaluation.

Of `perturb → ReLU → BN → 1×1` only the input is kept; forward and backward each make the m maps
r = relu(N + x) anew, in registers, where the matrix product reads them.

Batch normalisation disappears into the 1×1: with s = γ/σ,

    y = V (s ⊙ (r − μ) + β) + b = (V·diag(s)) (r − μ) + (V β + b)

Its backward pass follows from two sums over all pixels, G = Σ ∂y (r − μ)ᵀ and d = Σ ∂y, of which ∂V
needs the one and ∂b the other anyway (n is the number of pixels in the batch; Ioffe and Szegedy,
arXiv 1502.03167, Section 3):

    ∂γ = diag(Vᵀ G) / σ        ∂β = Vᵀ d        ∂V = G·diag(s) + d βᵀ
    ∂r = (V·diag(s))ᵀ ∂y − s ⊙ ∂β / n − (r − μ) ⊙ s ⊙ ∂γ / (σ n)

In evaluation μ and σ are constants, and of ∂r only the first term is left.
"""

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from pnn_core.fused.triton_launch import (
    Maps,
    Norm,
    Running,
    batch_statistics,
    combine,
    input_gradient,
    weight_gradients,
)


# A compiler of the network around takes this as it is.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def perturb_relu_norm_combine(
    x: torch.Tensor,
    noise: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    norm: nn.BatchNorm2d | None,
) -> torch.Tensor:
    """y[t] = b[t] + Σᵢ V[t, i] · norm(relu(N[i] + x[⌊i / fan_out⌋])).

    Products are made in the type of x, or autocast's; sums in float32, or in float64 if x is.

    Args:
        x: `[batch, p, height, width]`; one of another layout than channels last is copied.
        noise: N, `[1, m, height, width]`, or `[1, fan_out, height, width]` where all channels
            share their masks.
        weight: V, `[q, m, 1, 1]`.
        bias: b, `[q]`.
        norm: Of the m maps, in training or evaluation mode; its running statistics are updated as
            its own `forward` does.

    Returns:
        `[batch, q, height, width]`, channels last.

    Raises:
        ValueError: The masks learn, or `norm` is none that keeps a running average and learns γ and
            β; or it is in training and a map has a single value.
    """
    if noise.requires_grad:
        raise ValueError("masks that learn have no gradient here")
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    x = x.contiguous(memory_format=torch.channels_last)
    gamma = beta = mean = inverse_std = None
    if norm is not None:
        gamma, beta = norm.weight, norm.bias
        mean, inverse_std = _statistics(Maps.of(x, noise, weight.shape[1]), norm)
    of_batch = norm is not None and norm.training
    y: torch.Tensor = _Combine.apply(
        x, noise, weight, bias, gamma, beta, mean, inverse_std, of_batch
    )
    return y


@torch.no_grad()
def _statistics(maps: Maps, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """μ and 1/σ, from the batch in training."""
    if norm.running_mean is None or norm.running_var is None or norm.momentum is None:
        raise ValueError(f"{norm} must keep a running average of its statistics")
    if not norm.affine:
        raise ValueError(f"{norm} must be affine")
    if not norm.training:
        variance = norm.running_var.to(maps.sum_dtype)
        return norm.running_mean, torch.rsqrt(variance + norm.eps)
    if maps.rows == 1:
        raise ValueError(
            f"expected more than 1 value per map in training, got input size {list(maps.x.shape)}"
        )
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    running = Running(
        mean=norm.running_mean,
        variance=norm.running_var,
        momentum=norm.momentum,
        eps=norm.eps,
    )
    return batch_statistics(maps, running)


class _Combine(torch.autograd.Function):
    """The forward and backward pass; statistics are given, and those of a batch depend on x."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        x: torch.Tensor,
        noise: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        mean: torch.Tensor | None,
        inverse_std: torch.Tensor | None,
        of_batch: bool,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, noise, weight, bias, gamma, beta, mean, inverse_std)
        ctx.of_batch = of_batch
        maps = Maps.of(x, noise, weight.shape[1])
        return combine(maps, weight, bias, _norm(gamma, beta, mean, inverse_std))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        x, noise, weight, bias, gamma, beta, mean, inverse_std = ctx.saved_tensors
        maps = Maps.of(x, noise, weight.shape[1])
        norm = _norm(gamma, beta, mean, inverse_std)
        dy = dy.contiguous(memory_format=torch.channels_last)
        learned = weight_gradients(maps, dy, weight, norm)
        dx = None
        if ctx.needs_input_grad[0]:
            through = (learned.gamma, learned.beta) if ctx.of_batch else (None, None)
            dx = input_gradient(maps, dy, weight, norm, *through)
        return (
            dx,
            None,
            learned.weight.view_as(weight).to(weight.dtype),
            None if bias is None else learned.bias.to(bias.dtype),
            None if learned.gamma is None else learned.gamma.to(gamma.dtype),
            None if learned.beta is None else learned.beta.to(beta.dtype),
            *(None, None, None),
        )


def _norm(*parts: torch.Tensor | None) -> Norm | None:
    gamma, beta, mean, inverse_std = parts
    if gamma is None or beta is None or mean is None or inverse_std is None:
        return None
    return Norm(gamma=gamma, beta=beta, mean=mean, inverse_std=inverse_std)
