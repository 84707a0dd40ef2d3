"""What holds for the Triton kernels, on a GPU or, with TRITON_INTERPRET=1, on the CPU.

Run by `test_triton_kernels.py` in a process of its own: triton reads that variable once, when it is
imported.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pnn_core.config import MaskConfig, Order
from pnn_core.fused import triton_launch
from pnn_core.fused.triton_layer import perturb_relu_norm_combine
from pnn_core.perturbation import PerturbationLayer

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = torch.device("cpu" if INTERPRETED else "cuda")
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

if INTERPRETED:
    from triton.runtime import interpreter

    plain_dot = interpreter.InterpreterBuilder.create_dot

    def create_dot(self, a, b, *others):
        """Triton 3.8 interprets bfloat16 as its bits, and multiplies these as whole numbers."""
        a, b = (
            interpreter.TensorHandle(
                (t.data.astype(np.uint32) << 16).view(np.float32), interpreter.tl.float32
            )
            if t.dtype.scalar == interpreter.tl.bfloat16
            else t
            for t in (a, b)
        )
        return plain_dot(self, a, b, *others)

    interpreter.InterpreterBuilder.create_dot = create_dot


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layer and a batch."""

    channels: int
    out_channels: int
    fan_out: int
    height: int
    width: int
    batch: int
    unique_masks: bool = True
    order: Order = "noise_relu_bn_conv"
    bias: bool = True
    training: bool = True
    channels_last: bool = True
    contiguous: bool = True
    programs: int = triton_launch.PROGRAMS
    seed: int = 0

    def layer(self) -> PerturbationLayer:
        """With weights and statistics as after some training."""
        generator = torch.Generator().manual_seed(self.seed)
        module = PerturbationLayer(
            self.channels,
            self.out_channels,
            fan_out=self.fan_out,
            height=self.height,
            width=self.width,
            mask=MaskConfig(noise_level=0.7, unique_masks=self.unique_masks),
            order=self.order,
            bias=self.bias,
            generator=generator,
        )
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            if isinstance(module.combine.norm, torch.nn.BatchNorm2d):
                module.combine.norm.running_mean.uniform_(0, 1, generator=generator)
                module.combine.norm.running_var.uniform_(0.5, 2, generator=generator)
        if self.channels_last:
            module.to(memory_format=torch.channels_last)
        return module.train(self.training)

    def images(self, channels: int, seed: int) -> torch.Tensor:
        """As large as the batch, of some channels; bfloat16 holds them exactly."""
        generator = torch.Generator().manual_seed(self.seed + seed)
        images = torch.randn(self.batch, channels, self.width, self.height, generator=generator)
        images = images.bfloat16().float().transpose(2, 3)
        return images.contiguous() if self.contiguous else images


@st.composite
def cases(draw) -> Case:
    fan_out = draw(st.integers(1, 8))
    height, width, batch = draw(st.tuples(*[st.integers(1, 7)] * 3))
    # 1/σ of a few values may be as large as rounding errors are small.
    enough = batch * height * width >= 8
    return Case(
        channels=draw(st.integers(1, max(1, 40 // fan_out))),
        out_channels=draw(st.integers(1, 40)),
        fan_out=fan_out,
        height=height,
        width=width,
        batch=batch,
        unique_masks=draw(st.booleans()),
        order=draw(st.sampled_from(["noise_relu_conv", "noise_relu_bn_conv"])),
        bias=draw(st.booleans()),
        training=draw(st.booleans()) and enough,
        channels_last=draw(st.booleans()),
        contiguous=draw(st.booleans()),
        programs=draw(st.sampled_from([2, 256])),
        seed=draw(st.integers(0, 2**32)),
    )


MANY_MAPS = Case(channels=67, out_channels=5, fan_out=2, height=9, width=8, batch=2, programs=2)
MANY_OUTPUTS = Case(channels=3, out_channels=67, fan_out=3, height=5, width=14, batch=2, programs=2)

FEW = Case(channels=3, out_channels=4, fan_out=3, height=3, width=5, batch=2)

Form = Callable[[PerturbationLayer, torch.Tensor], torch.Tensor]


def plain(layer: PerturbationLayer, x: torch.Tensor) -> torch.Tensor:
    return layer(x)


def kernels(layer: PerturbationLayer, x: torch.Tensor) -> torch.Tensor:
    combine, masks = layer.combine, layer.perturb.masks
    norm = combine.norm if isinstance(combine.norm, torch.nn.BatchNorm2d) else None
    return perturb_relu_norm_combine(x, masks, combine.conv.weight, combine.conv.bias, norm)


def step(form: Form, case: Case, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """All that a step gives: output, gradients, running statistics.

    With bfloat16, autocast to it.
    """
    stored = torch.promote_types(dtype, torch.float32)
    layer = case.layer().to(DEVICE, stored)
    x = case.images(case.channels, 1).to(DEVICE, stored).requires_grad_()
    dy = case.images(case.out_channels, 2).to(DEVICE, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "PROGRAMS", case.programs)
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            y = form(layer, x)
        assert y.dtype == dtype
        y.backward(dy)
    gradients = {name: parameter.grad for name, parameter in layer.named_parameters()}
    return {"y": y.detach(), "x": x.grad, **gradients, **dict(layer.named_buffers())}


def assert_close(
    actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], relative: float
) -> None:
    """Of each tensor, the norm of the error within a share of the norm."""
    assert actual.keys() == expected.keys()
    for name, value in actual.items():
        wanted = expected[name].double()
        size = max(wanted.norm().item(), 1e-3)
        error = (value.double() - wanted).norm().item()
        assert error <= relative * size, f"{name}: off by {error}, of {size}"


@settings(untimed, max_examples=10)
@given(cases())
@example(MANY_MAPS)
@example(MANY_OUTPUTS)
def test_in_float64_a_step_equals_that_of_the_plain_layer(case: Case) -> None:
    actual, expected = (step(form, case, torch.float64) for form in (kernels, plain))
    assert_close(actual, expected, relative=1e-10)


@pytest.mark.parametrize(
    # bfloat16 has 8 bits, of which the interpreter cuts off what follows instead of rounding.
    ("dtype", "relative"),
    [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)],
    ids=str,
)
@pytest.mark.parametrize(
    "case",
    [MANY_MAPS, replace(MANY_OUTPUTS, training=False)],
    ids=["many maps, training", "many outputs, evaluation"],
)
def test_a_step_is_within_rounding_of_the_plain_layer_in_float64(
    case: Case, dtype: torch.dtype, relative: float
) -> None:
    assert_close(step(kernels, case, dtype), step(plain, case, torch.float64), relative)


@pytest.mark.skipif(INTERPRETED, reason="programs are interpreted one after the other")
def test_a_step_done_again_gives_the_same_bits() -> None:
    first, again = (step(kernels, MANY_OUTPUTS, torch.float32) for _ in range(2))
    for name, value in first.items():
        assert torch.equal(value, again[name]), name


def test_no_tensor_as_large_as_the_maps_is_kept_for_the_backward_pass() -> None:
    kept: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        kernels(FEW.layer().to(DEVICE), FEW.images(FEW.channels, 1).to(DEVICE))
    masks = FEW.fan_out * FEW.channels * FEW.height * FEW.width
    assert max(kept) == masks, f"the batch has {FEW.batch} images' maps"


def test_layout_of_the_output_is_channels_last() -> None:
    for channels_last in (True, False):
        case = replace(FEW, channels_last=channels_last)
        y = step(kernels, case, torch.float32)["y"]
        assert y.is_contiguous(memory_format=torch.channels_last)


def test_images_without_a_gradient_leave_the_other_gradients_as_they_are() -> None:
    layer = FEW.layer().to(DEVICE)
    x, dy = FEW.images(FEW.channels, 1).to(DEVICE), FEW.images(FEW.out_channels, 2).to(DEVICE)
    kernels(layer, x).backward(dy)
    expected = step(kernels, FEW, torch.float32)
    for name, parameter in layer.named_parameters():
        assert torch.equal(parameter.grad, expected[name]), name


def test_a_nan_is_not_hidden_by_the_relu() -> None:
    x = FEW.images(FEW.channels, 1).to(DEVICE)
    x[0, 0, 0, 0] = float("nan")
    y = kernels(replace(FEW, order="noise_relu_conv").layer().to(DEVICE), x)
    assert y[0, :, 0, 0].isnan().all()
    assert not y[1:].isnan().any()


def test_masks_that_learn_are_refused() -> None:
    layer = FEW.layer().to(DEVICE)
    layer.perturb.masks.requires_grad_()
    with pytest.raises(ValueError, match="masks that learn"):
        kernels(layer, FEW.images(FEW.channels, 1).to(DEVICE))


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        (torch.nn.BatchNorm2d(9, affine=False), "affine"),
        (torch.nn.BatchNorm2d(9, momentum=None), "running average"),
        (torch.nn.BatchNorm2d(9, track_running_stats=False), "running average"),
    ],
)
def test_a_norm_of_another_kind_is_refused(norm: torch.nn.BatchNorm2d, message: str) -> None:
    layer = FEW.layer()
    layer.combine.norm = norm
    with pytest.raises(ValueError, match=message):
        kernels(layer.to(DEVICE), FEW.images(FEW.channels, 1).to(DEVICE))


def test_a_single_value_has_no_batch_statistics() -> None:
    case = replace(FEW, batch=1, height=1, width=1)
    with pytest.raises(ValueError, match="more than 1 value"):
        kernels(case.layer().to(DEVICE), case.images(case.channels, 1).to(DEVICE))
