import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.theory.sparse_interactions import interactions

CHANNELS = 3
SIDE = 5


def images() -> torch.Tensor:
    """Images that turn every ReLU on somewhere."""
    return torch.randn(32, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def layer_of(name: str, *, level: float = 0.5, grouped: bool = False) -> nn.Module:
    torch.manual_seed(0)
    config = ModelConfig(
        dataset=DatasetShape(channels=CHANNELS, height=SIDE, width=SIDE, classes=10),
        layer=name,
        mask_count=CHANNELS,
        order="noise_relu_conv",
        grouped=grouped,
        mask=MaskConfig(noise_level=level),
    )
    inputs = FeatureMap(channels=CHANNELS, height=SIDE, width=SIDE)
    place = LayerPlace(inputs=inputs, out_channels=CHANNELS, bias=False)
    layer: nn.Module = SPATIAL_LAYERS[name].build(config, place, torch.Generator().manual_seed(0))
    return layer.eval()


@pytest.mark.parametrize(
    ("name", "pixels"), [("perturbation", 1), ("noise_off", 1), ("conv1x1", 1), ("conv3x3", 9)]
)
def test_an_output_sees_as_many_pixels_as_the_paper_says(name: str, pixels: int) -> None:
    found = interactions(layer_of(name), images())
    assert found.pixels_per_output == pixels
    assert found.entries_per_output == pixels * CHANNELS


@given(st.floats(0, 2))
@settings(max_examples=10, deadline=None)
def test_noise_of_no_level_brings_neighbours_in(level: float) -> None:
    assert interactions(layer_of("perturbation", level=level), images()).pixels_per_output == 1


def test_a_grouped_1x1_is_sparser_than_the_sparsest_possible() -> None:
    found = interactions(layer_of("perturbation", grouped=True), images())
    assert found.entries_per_output == 1
    assert found.density == pytest.approx(1 / (CHANNELS * SIDE**2))


def test_a_fully_connected_layer_sees_everything() -> None:
    layer = nn.Sequential(nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, 4))
    found = interactions(layer, images())
    assert found.pixels_per_output == SIDE**2
    assert found.entries_per_output == CHANNELS * SIDE**2
    assert found.density == 1


@given(st.sampled_from([1, 3, 5]), st.integers(5, 7))
@settings(max_examples=10, deadline=None)
def test_density_is_that_of_the_filter_with_its_border_cut_off(size: int, side: int) -> None:
    layer = nn.Conv2d(1, 1, size, padding=size // 2)
    nn.init.ones_(layer.weight)
    found = interactions(layer, torch.ones(1, 1, side, side))
    reach = size // 2
    seen = sum(min(i + reach, side - 1) - max(i - reach, 0) + 1 for i in range(side))
    assert found.density == pytest.approx(seen**2 / side**4)


def test_an_interaction_that_one_image_hides_is_found_in_another() -> None:
    both = torch.stack([torch.full((1, 1, 1), -1.0), torch.full((1, 1, 1), 1.0)])
    assert interactions(torch.relu, both[:1]).density == 0
    assert interactions(torch.relu, both).density == 1


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (1, 2, 2)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be \[n, channels, height, width\]"):
        interactions(torch.relu, torch.ones(shape))
