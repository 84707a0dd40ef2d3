"""The page on Section 3.5 has the figures that its benchmark measures, in cells that are cheap."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from types import ModuleType

import pytest
import torch

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs/results/section_3_5.md").read_text(encoding="utf-8").split())


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("section_3_5")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Take sums in the order in which the benchmark takes them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_filter_nearest_to_a_layer_is_1x1_by_the_pages_errors(benchmark: ModuleType) -> None:
    found = [benchmark.scale_errors(benchmark.LAYERS, 1.0, seed) for seed in benchmark.SEEDS]
    errors = [median(one.errors[size] for one in found) for size in range(len(benchmark.SIZES))]
    assert f"({min(errors):.3f} to {max(errors):.3f} at level 1," in PAGE
    assert {one.best_size for one in found} == {1}


@pytest.mark.parametrize(
    ("layer", "level", "row", "distortion"),
    [
        ("perturbation", 5.0, "| 5 | {} |", "{} for 8 masks at level 5"),
        ("perturbation", 0.0, "| 0 | {} |", ""),
        ("conv1x1", 0.5, "A 1×1 has {}, the same", "is {} for the 1×1"),
    ],
)
def test_layers_keep_distances_as_well_as_the_page_says(
    benchmark: ModuleType, layer: str, level: float, row: str, distortion: str
) -> None:
    config = benchmark.layer_config(layer, level=level)
    found = [benchmark.layer_distances(config, seed) for seed in benchmark.DISTANCE_SEEDS]
    ranks = mean(one.rank_correlation for one in found)
    assert row.format(f"{ranks:.3f}") in PAGE
    assert distortion.format(f"{mean(one.distortion for one in found):.2f}") in PAGE


def test_outputs_see_as_many_pixels_and_values_as_the_page_says(benchmark: ModuleType) -> None:
    images = torch.randn(32, 8, 8, 8, generator=torch.Generator().manual_seed(0))

    def sees(layer: str, **settings: object) -> tuple[int, int]:
        built = benchmark.build_layer(benchmark.layer_config(layer, **settings), 0)
        found = benchmark.interactions(built, images)
        return found.pixels_per_output, found.entries_per_output

    pixels, values = sees("perturbation", fan_out=4)
    alone, grouped_values = sees("perturbation", fan_out=4, grouped=True)
    assert alone == pixels
    assert f"**yes** | {pixels} pixel; 3×3: {sees('conv3x3')[0]} |" in PAGE
    assert f"a grouped 1×1 sees {grouped_values} value, the full one {values} of 8 channels" in PAGE


def test_networks_see_as_much_of_an_image_as_the_page_says(benchmark: ModuleType) -> None:
    networks = importlib.import_module("section_3_5_networks")
    digits, resnet18, vgg16, _ = networks.SETUPS

    def extent(setup: object, layer: str = "perturbation") -> tuple[int, int]:
        found: tuple[int, int] = networks.field(setup, layer).extent
        return found

    height, width = extent(resnet18)
    assert f"ResNet-18: {height}×{width} of 32×32" in PAGE
    assert "VGG-16 on CIFAR-10: all of it" in PAGE
    assert extent(vgg16) == (32, 32)
    assert "With 3×3 convolutions it is the whole image" in PAGE
    assert [extent(setup, "conv3x3") for setup in (digits, resnet18)] == [(8, 8), (32, 32)]
