import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.models.build import build_model
from pnn_core.theory.receptive_field import gradient_support, shuffled_within_cells


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, channels: int, side: int) -> torch.Tensor:
    return torch.randn(count, channels, side, side, generator=seeded())


@given(st.integers(1, 3), st.sampled_from([1, 3, 5]))
@settings(max_examples=15, deadline=None)
def test_the_support_of_stacked_convolutions_is_their_receptive_field(
    depth: int, size: int
) -> None:
    layers = [nn.Conv2d(2, 2, size, padding=size // 2) for _ in range(depth)]
    found = gradient_support(nn.Sequential(*layers), noise(2, 2, 17), seeded())
    side = 1 + depth * (size - 1)
    assert found.extent == (side, side)
    assert found.share == pytest.approx(side**2 / 17**2)
    assert found.pixels[8, 8]


def test_a_max_pool_shows_its_whole_cell_over_many_images() -> None:
    found = gradient_support(nn.MaxPool2d(4), noise(200, 1, 8), seeded())
    assert found.extent == (4, 4)
    assert found.pixels[4:, 4:].all()
    assert gradient_support(nn.MaxPool2d(4), noise(1, 1, 8), seeded()).extent == (1, 1)


def test_gradients_that_would_cancel_are_found() -> None:
    found = gradient_support(lambda x: torch.cat([x, -x], dim=1), noise(1, 1, 3), seeded())
    assert found.extent == (1, 1)


def test_a_map_that_depends_on_nothing_has_no_support() -> None:
    found = gradient_support(lambda x: 0 * x, noise(1, 1, 3), seeded())
    assert found.extent == (0, 0)
    assert found.share == 0


@pytest.mark.parametrize(
    ("network", "layer", "side"),
    [
        # Three pools make 8 pixels of one, and the 3×3 stem adds one on either side.
        ("resnet18", "perturbation", 10),
        ("resnet18", "conv3x3", 32),
        ("vgg16", "perturbation", 32),
    ],
)
def test_fields_of_networks_on_cifar_are_those_of_their_pools_and_filters(
    network: str, layer: str, side: int
) -> None:
    shape = DatasetShape(channels=3, height=32, width=32, classes=10)
    config = ModelConfig(dataset=shape, network=network, layer=layer, mask_count=8)
    features = nn.Sequential(*list(build_model(config, 0).eval().children())[:-1])
    assert gradient_support(features, noise(24, 3, 32), seeded()).extent == (side, side)


@given(st.integers(0, 2**31), st.sampled_from([1, 2, 3, 6]))
def test_shuffling_keeps_the_pixels_of_each_cell(seed: int, cell: int) -> None:
    images = noise(3, 2, 6)
    shuffled = shuffled_within_cells(images, cell, seeded(seed))
    for row in range(0, 6, cell):
        for column in range(0, 6, cell):
            part = (..., slice(row, row + cell), slice(column, column + cell))
            before, after = (x[part].flatten(2).transpose(1, 2) for x in (images, shuffled))
            # A pixel is both of its channels: each is found once, whole.
            same = (before[:, :, None] == after[:, None]).all(dim=-1)
            assert (same.sum(dim=1) == 1).all()
            assert (same.sum(dim=2) == 1).all()


@given(st.integers(0, 2**31), st.sampled_from([2, 4]))
def test_a_max_pool_of_the_cell_does_not_see_the_order(seed: int, cell: int) -> None:
    images = noise(2, 1, 8)
    shuffled = shuffled_within_cells(images, cell, seeded(seed))
    pool = nn.MaxPool2d(cell)
    assert torch.equal(pool(images), pool(shuffled))


def test_each_cell_has_an_order_of_its_own_and_bytes_stay_bytes() -> None:
    images = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4).repeat(8, 1, 2, 2)
    shuffled = shuffled_within_cells(images, 4, seeded())
    assert shuffled.dtype == torch.uint8
    cells = shuffled.reshape(8, 2, 4, 2, 4).permute(0, 1, 3, 2, 4).reshape(32, 16)
    assert len(cells.unique(dim=0)) == 32


def test_a_cell_of_one_pixel_changes_nothing() -> None:
    images = noise(2, 3, 4)
    assert torch.equal(shuffled_within_cells(images, 1, seeded()), images)


@pytest.mark.parametrize("cell", [0, 3, 16])
def test_a_cell_that_does_not_divide_the_image_is_refused(cell: int) -> None:
    with pytest.raises(ValueError, match=rf"cell \(={cell}\) must divide"):
        shuffled_within_cells(noise(1, 1, 8), cell, seeded())
