"""The fused operators give what torch's own give: outputs, gradients and running statistics."""

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pnn_core.config import (
    BeforeAddition,
    DatasetShape,
    MaskConfig,
    ModelConfig,
    Order,
)
from pnn_core.fused import operators
from pnn_core.fused.compile import build
from pnn_core.fused.operators import max_pool, normalise_add_relu, perturb_combine
from pnn_core.fused.sequential import FusedSequential
from pnn_core.layers.map_layer import MapLayer
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model

UsePlain = Callable[[bool], None]


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """The operators of this machine, which `make install` builds."""
    try:
        build()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    operators.are_built.cache_clear()


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def make_layer(
    p: int,
    q: int,
    *,
    fan_out: int,
    height: int,
    width: int,
    order: Order,
    bias: bool,
    seed: int,
    grouped: bool = False,
) -> MapLayer:
    generator = torch.Generator().manual_seed(seed)
    layer = MapLayer(
        Perturbation(
            p,
            fan_out=fan_out,
            height=height,
            width=width,
            mask=MaskConfig(noise_level=0.5),
            generator=generator,
        ),
        p,
        q,
        order=order,
        bias=bias,
        grouped=grouped,
    ).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer


def plain(layer: MapLayer, x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = layer.combine(layer.perturb(x))
    return y


def fused(layer: MapLayer, x: torch.Tensor) -> torch.Tensor:
    y = perturb_combine(
        x,
        layer.perturb.summands,
        layer.combine.norm,
        layer.combine.conv,
        fan_out=layer.perturb.fan_out,
    )
    assert y is not None
    return y


def assert_the_same(layer: MapLayer, x: torch.Tensor, rtol: float = 1e-9) -> None:
    """Numbers of one training step and the evaluation after it."""
    other, other_x = deepcopy(layer), x.detach().clone().requires_grad_()
    x = x.detach().requires_grad_()
    expected, y = plain(layer, x), fused(other, other_x)
    torch.testing.assert_close(y, expected, rtol=rtol, atol=rtol)
    weights = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    (expected * weights).sum().backward()
    (y * weights).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(other_x.grad, x.grad, rtol=rtol, atol=rtol)
    for (name, learned), again in zip(layer.named_parameters(), other.parameters(), strict=True):
        size = float(learned.grad.abs().max()) if learned.grad is not None else 0.0
        torch.testing.assert_close(
            again.grad, learned.grad, rtol=rtol, atol=rtol * max(1, size), msg=f"gradient of {name}"
        )
    for kept, again in zip(layer.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(again, kept, rtol=rtol, atol=rtol)
    with torch.no_grad():
        torch.testing.assert_close(
            fused(other.eval(), x), plain(layer.eval(), x), rtol=rtol, atol=rtol
        )


@settings(max_examples=60, deadline=None)
@given(
    p=st.integers(1, 6),
    q=st.integers(1, 6),
    fan_out=st.integers(1, 8),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    batch=st.integers(2, 5),
    order=st.sampled_from(["noise_relu_bn_conv", "noise_relu_conv"]),
    bias=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_a_layer_is_in_float64_what_the_formula_says(
    p: int,
    q: int,
    fan_out: int,
    height: int,
    width: int,
    batch: int,
    order: Order,
    bias: bool,
    seed: int,
) -> None:
    layer = make_layer(
        p, q, fan_out=fan_out, height=height, width=width, order=order, bias=bias, seed=seed
    )
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, p, height, width, dtype=torch.float64, generator=generator)
    assert_the_same(layer, x)


def test_a_layer_of_many_blocks_is_the_same_on_two_threads(two_threads: None) -> None:
    layer = make_layer(
        24, 20, fan_out=2, height=9, width=7, order="noise_relu_bn_conv", bias=True, seed=0
    )
    x = torch.randn(90, 24, 9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert x.numel() * 2 > 4 * 2**16  # numbers in a block
    assert_the_same(layer, x)


@pytest.mark.parametrize("fan_out", [1, 2, 3, 8])
def test_float32_agrees_within_1e_minus_3_of_the_largest_gradient(fan_out: int) -> None:
    layer = make_layer(
        16, 24, fan_out=fan_out, height=8, width=8, order="noise_relu_bn_conv", bias=True, seed=0
    ).float()
    x = torch.randn(40, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    assert_the_same(layer, x, rtol=1e-3)


def test_images_of_any_layout_are_taken() -> None:
    layer = make_layer(
        4, 3, fan_out=2, height=5, width=6, order="noise_relu_bn_conv", bias=True, seed=0
    )
    x = torch.randn(3, 8, 6, 5, dtype=torch.float64)[:, ::2].transpose(2, 3)
    assert not x.is_contiguous()
    assert_the_same(layer, x)


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 9),
    pixels=st.integers(1, 7),
    batch=st.integers(2, 5),
    with_shortcut=st.booleans(),
    relu=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_normalisation_shortcut_and_relu_are_in_float64_what_torch_computes(
    channels: int, pixels: int, batch: int, with_shortcut: bool, relu: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    norm = nn.BatchNorm2d(channels).double()
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.randn(channels, generator=generator))
    other = deepcopy(norm)
    shape = (batch, channels, pixels, 2)
    x = torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
    shortcut = torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
    inputs = [x, shortcut] if with_shortcut else [x]

    expected = norm(x) + shortcut if with_shortcut else norm(x)
    expected = expected.relu() if relu else expected
    y = normalise_add_relu(x, other, shortcut if with_shortcut else None, relu=relu)
    assert y is not None
    weights = torch.randn(shape, dtype=torch.float64, generator=generator)
    gradients = torch.autograd.grad(y, [*inputs, *other.parameters()], weights)

    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        gradients,
        torch.autograd.grad(expected, [*inputs, *norm.parameters()], weights),
        rtol=1e-7,
        atol=1e-7,
    )
    torch.testing.assert_close(dict(other.named_buffers()), dict(norm.named_buffers()))


def in_turn(
    unit: FusedSequential, x: torch.Tensor, shortcut: torch.Tensor | None, *, relu: bool
) -> torch.Tensor:
    """A unit's layer and normalisation one after the other, by torch's own operators."""
    layer, norm = unit[0], unit[1]
    assert isinstance(layer, MapLayer)
    y: torch.Tensor = norm(plain(layer, x))
    if shortcut is not None:
        y = y + shortcut
    return y.relu() if relu else y


@settings(max_examples=60, deadline=None)
@given(
    p=st.integers(1, 5),
    q=st.integers(1, 40),
    fan_out=st.integers(1, 4),
    pixels=st.integers(1, 6),
    batch=st.integers(2, 6),
    order=st.sampled_from(["noise_relu_bn_conv", "noise_relu_conv"]),
    bias=st.booleans(),
    with_shortcut=st.booleans(),
    relu=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_a_layer_with_what_stands_behind_it_is_in_float64_what_torch_computes(
    p: int,
    q: int,
    fan_out: int,
    pixels: int,
    batch: int,
    order: Order,
    bias: bool,
    with_shortcut: bool,
    relu: bool,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    layer = make_layer(
        p, q, fan_out=fan_out, height=pixels, width=2, order=order, bias=bias, seed=seed
    )
    unit = FusedSequential(layer, nn.BatchNorm2d(q).double())
    with torch.no_grad():
        for parameter in unit[1].parameters():
            parameter.copy_(draw(q))
    relu = relu or with_shortcut
    other = deepcopy(unit)
    if relu and not with_shortcut:
        other.append(nn.ReLU())
    x, shortcut = (draw(batch, c, pixels, 2).requires_grad_() for c in (p, q))
    inputs = [x, shortcut] if with_shortcut else [x]
    beside = shortcut if with_shortcut else None

    def apply() -> torch.Tensor:
        return other(x) if beside is None else other.add_relu(x, beside)

    expected, y = in_turn(unit, x, beside, relu=relu), apply()
    weights = draw(*y.shape)
    gradients = torch.autograd.grad(y, [*inputs, *other.parameters()], weights)
    theirs = torch.autograd.grad(expected, [*inputs, *unit.parameters()], weights)

    torch.testing.assert_close(y, expected, rtol=1e-8, atol=1e-8)
    size = max(1.0, *(float(each.abs().max()) for each in theirs))
    torch.testing.assert_close(gradients, theirs, rtol=1e-6, atol=1e-8 * size)
    torch.testing.assert_close(dict(other.named_buffers()), dict(unit.named_buffers()))
    with torch.no_grad():
        unit.eval()
        other.eval()
        torch.testing.assert_close(apply(), in_turn(unit, x, beside, relu=relu))


def make_unit(q: int) -> FusedSequential:
    layer = make_layer(
        4, q, fan_out=2, height=5, width=5, order="noise_relu_bn_conv", bias=True, seed=0
    )
    return FusedSequential(layer, nn.BatchNorm2d(q).double(), nn.ReLU())


def test_what_a_normalisation_takes_out_again_has_no_gradient_at_all() -> None:
    unit = make_unit(6)
    unit(torch.randn(3, 4, 5, 5, dtype=torch.float64)).square().sum().backward()
    combine = unit[0].combine
    assert not combine.conv.bias.grad.any()
    assert not combine.norm.bias.grad.any()
    assert combine.conv.weight.grad.all()


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    "hook", ["register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"]
)
def test_modules_that_somebody_has_hooked_are_called(place: int, hook: str) -> None:
    unit, called = make_unit(3), []
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True)
    expected = unit(x)
    getattr(unit[place], hook)(lambda *_: called.append(place))
    # Hooks on the gradient forbid a ReLU that overwrites what it is given.
    unit[2].inplace = False
    y = unit(x)
    y.sum().backward()
    assert called == [place]
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("channels", [1, 3, 24, 64, 100, 520])
@pytest.mark.parametrize("about", [0.0, 1000.0])
def test_statistics_far_from_zero_lose_few_digits(channels: int, about: float) -> None:
    generator = torch.Generator().manual_seed(channels)
    x = about + torch.randn(30, channels, 9, 7, generator=generator)
    x[:, 0] = about  # a channel that says nothing
    norm = nn.BatchNorm2d(channels, momentum=1.0)
    assert normalise_add_relu(x, norm, None, relu=False) is not None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    of_each = x.double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(
        norm.running_mean.double(), of_each.mean(dim=1), rtol=1e-6, atol=1e-6
    )
    torch.testing.assert_close(norm.running_var.double(), of_each.var(dim=1), rtol=1e-4, atol=1e-6)


def test_outputs_many_times_as_many_as_maps_keep_their_digits() -> None:
    unit = FusedSequential(
        make_layer(
            1, 64, fan_out=1, height=28, width=28, order="noise_relu_bn_conv", bias=True, seed=0
        ),
        nn.BatchNorm2d(64, momentum=1.0).double(),
    )
    x = torch.randn(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exact = deepcopy(unit)(x.double())
        torch.testing.assert_close(unit.float()(x).double(), exact, rtol=1e-5, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(
        st.integers(1, 3), st.integers(1, 40), st.integers(1, 7), st.integers(1, 7)
    ).filter(lambda shape: shape[0] * shape[2] * shape[3] > 1),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    odd_ones=st.sampled_from([0.0, torch.nan, -torch.inf]),
    seed=st.integers(0, 2**16),
)
def test_a_pool_takes_the_pixels_that_torchs_own_takes(
    shape: tuple[int, ...],
    layout: torch.memory_format,
    dtype: torch.dtype,
    odd_ones: float,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Few values, so that many are equal.
    x = torch.randint(-2, 3, shape, generator=generator).to(dtype, memory_format=layout)
    x.masked_fill_(x == 0, odd_ones).requires_grad_()
    pool = nn.MaxPool2d(2, ceil_mode=True)
    expected, y = pool(x), max_pool(x, pool)
    assert y is not None
    weights = torch.randn(expected.shape, dtype=dtype, generator=generator)
    gradients = [torch.autograd.grad(each, x, weights)[0] for each in (expected, y)]
    torch.testing.assert_close(y, expected, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(gradients[1], gradients[0])


def test_a_pool_lets_go_of_what_its_gradient_needs() -> None:
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    y = max_pool(x, nn.MaxPool2d(2))
    assert y is not None
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.MaxPool2d(2, stride=1),
        nn.MaxPool2d(2),
        nn.MaxPool2d(2, ceil_mode=True, return_indices=True),
        nn.MaxPool2d((2, 1), ceil_mode=True),
    ],
    ids=str,
)
def test_a_pool_of_another_kind_is_left_to_torchs_own_operator(pool: nn.MaxPool2d) -> None:
    assert max_pool(torch.randn(2, 3, 5, 5), pool) is None


NETWORKS: list[tuple[str, str, Order]] = [
    ("resnet8", "perturbation", "noise_relu_bn_conv"),
    ("resnet8", "perturbation", "noise_conv_bn_relu"),
    ("resnet8", "local_binary", "noise_relu_bn_conv"),
    ("resnet18", "conv1x1", "noise_relu_bn_conv"),
    ("resnet50", "perturbation", "noise_relu_conv"),
    ("vgg16", "perturbation", "noise_relu_bn_conv"),
    ("lenet", "perturbation", "noise_relu_bn_conv"),
    ("nin", "perturbation", "noise_relu_bn_conv"),
    ("nin", "perturbation", "noise_relu_conv_bn_relu"),
]


@pytest.mark.parametrize("before_addition", ["bn", "bn_relu"])
@pytest.mark.parametrize(("network", "layer", "order"), NETWORKS)
def test_a_network_learns_the_same_with_and_without_them(
    network: str,
    layer: str,
    order: Order,
    before_addition: BeforeAddition,
    use_plain_operators: UsePlain,
) -> None:
    config = ModelConfig(
        dataset=DatasetShape(channels=1, height=16, width=16, classes=3),
        network=network,
        layer=layer,
        order=order,
        mask_count=8,
        fan_out=1 if layer == "conv1x1" else 2,
        before_addition=before_addition,
    )
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(12, 1, 16, 16, dtype=torch.float64, generator=generator)
    labels = torch.arange(12) % 3
    outcomes = []
    for is_plain in (True, False):
        use_plain_operators(is_plain)
        model = build_model(config, 0).double()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            outcomes.append((losses, model.eval()(images), dict(model.named_buffers())))
    torch.testing.assert_close(outcomes[1], outcomes[0], rtol=1e-6, atol=1e-6)


def test_nan_stays_nan() -> None:
    layer = make_layer(
        1, 1, fan_out=1, height=2, width=2, order="noise_relu_conv", bias=False, seed=0
    )
    assert fused(layer, torch.full((1, 1, 2, 2), torch.nan, dtype=torch.float64)).isnan().all()
    norm = nn.BatchNorm2d(1).double()
    y = normalise_add_relu(torch.full((1, 1, 2, 2), torch.nan).double(), norm, None, relu=True)
    assert y is not None
    assert y.isnan().all()
    for place in range(4):
        x = torch.arange(4.0).index_fill(0, torch.tensor(place), torch.nan).view(1, 1, 2, 2)
        pooled = max_pool(x, nn.MaxPool2d(2))
        assert pooled is not None
        assert pooled.isnan().all()


def test_a_second_derivative_is_refused() -> None:
    norm = nn.BatchNorm2d(1)
    x = torch.randn(2, 1, 2, 2, requires_grad=True)
    y = normalise_add_relu(x, norm, None, relu=False)
    assert y is not None
    with pytest.raises(RuntimeError, match="no second derivatives"):
        torch.autograd.grad(y.square().sum(), x, create_graph=True)


def test_torchs_own_operators_do_what_these_cannot() -> None:
    norm, x = nn.BatchNorm2d(2), torch.randn(3, 2, 4, 4)

    def takes(images: torch.Tensor) -> bool:
        return normalise_add_relu(images, norm, None, relu=True) is not None

    assert takes(x)
    assert max_pool(x.to("meta"), nn.MaxPool2d(2)) is None
    assert not takes(x.to("meta"))
    assert not takes(x.double())  # the module's numbers are float32
    assert not takes(x[:1, :, :1, :1])  # torch refuses a single value with its own words
    for empty in (x[:0], x[:, :0], x[:, :, :0]):
        assert max_pool(empty, nn.MaxPool2d(2)) is None
    with torch.autocast("cpu"):
        assert not takes(x)
    norm.eval()
    assert not takes(x)  # gradients through running statistics
    with torch.no_grad():
        assert takes(x)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((2, 4, 6, 6), "the masks are 5×5 pixels and the feature map is 6×6"),
        ((2, 4, 3, 3), "the masks are 5×5 pixels and the feature map is 3×3"),
        ((2, 8, 5, 5), "must match the size of tensor b"),
        ((2, 2, 5, 5), "must match the size of tensor b"),
    ],
    ids=str,
)
def test_images_that_do_not_fit_the_masks_are_refused(shape: tuple[int, ...], said: str) -> None:
    layer = make_layer(
        4, 3, fan_out=2, height=5, width=5, order="noise_relu_bn_conv", bias=True, seed=0
    )
    with pytest.raises((RuntimeError, ValueError), match=said):
        layer(torch.randn(shape, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(2, 4, 1, 1), (1, 4, 3, 3)], ids=["one pixel", "one image"])
def test_a_shortcut_of_another_shape_is_repeated_as_torch_does(shape: tuple[int, ...]) -> None:
    unit = FusedSequential(nn.BatchNorm2d(4))
    x, shortcut = torch.randn(2, 4, 3, 3), torch.randn(shape)
    expected = (deepcopy(unit)[0](x) + shortcut).relu()
    torch.testing.assert_close(unit.add_relu(x, shortcut), expected)


def test_a_normalisation_of_other_channels_is_refused_in_torchs_words() -> None:
    with pytest.raises(RuntimeError, match="running_mean should contain 4 elements"):
        FusedSequential(nn.BatchNorm2d(6))(torch.randn(2, 4, 3, 3))


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(8, affine=False),
        nn.BatchNorm2d(8, momentum=None),
        nn.BatchNorm2d(8, track_running_stats=False),
    ],
    ids=str,
)
def test_a_normalisation_of_another_kind_is_left_to_torchs_own_operators(
    norm: nn.BatchNorm2d,
) -> None:
    layer = make_layer(
        4, 3, fan_out=2, height=5, width=5, order="noise_relu_bn_conv", bias=True, seed=0
    )
    layer.combine.norm = norm.double()
    other, x = deepcopy(layer), torch.randn(2, 4, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x), plain(other, x), rtol=1e-12, atol=1e-12)
    maps = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    assert normalise_add_relu(maps, norm, None, relu=True) is None


def test_weights_of_another_layout_are_left_to_torchs_own_operators() -> None:
    layer = make_layer(
        4, 3, fan_out=2, height=5, width=5, order="noise_relu_bn_conv", bias=True, seed=0
    )
    layer.combine.conv.weight = nn.Parameter(
        torch.randn(8, 3, 1, 1, dtype=torch.float64).transpose(0, 1)
    )
    other, x = deepcopy(layer), torch.randn(2, 4, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x), plain(other, x))


def test_trained_masks_are_left_to_torchs_own_operators() -> None:
    layer = MapLayer(
        Perturbation(
            2,
            fan_out=2,
            height=4,
            width=4,
            mask=MaskConfig(trained_masks=True),
            generator=torch.Generator().manual_seed(0),
        ),
        2,
        2,
        order="noise_relu_conv",
        bias=True,
    )
    x, combine = torch.randn(2, 2, 4, 4), layer.combine
    assert perturb_combine(x, layer.perturb.summands, combine.norm, combine.conv, fan_out=2) is None
    layer(x).sum().backward()
    assert layer.perturb.masks.grad is not None


@pytest.mark.parametrize("order", ["noise_relu_bn_conv", "noise_relu_conv"])
def test_a_grouped_1x1_is_in_float64_what_the_formula_says(order: Order) -> None:
    layer = make_layer(
        3, 6, fan_out=4, height=3, width=5, order=order, bias=True, seed=0, grouped=True
    )
    assert layer.combine.conv.groups == 3
    assert_the_same(layer, torch.randn(4, 3, 3, 5, dtype=torch.float64))
