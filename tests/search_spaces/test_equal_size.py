"""Layers stand side by side at equal sizes, or it is said that they cannot."""

from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, TrialConfig
from search_spaces import SearchSpace, SpaceError, equal_size_variants, find_space
from search_spaces.equal_size import SIZE_FREE

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
BASE = ModelConfig(dataset=DIGITS, network="resnet8")


def models(variants: dict[str, dict[str, Any]], **others: Any) -> dict[str, ModelConfig]:
    space = SearchSpace(name="x", summary="", variants=variants, **others)
    return {
        p["variant"]: space.configure(p, dataset=DIGITS, epochs=1, seed=0).model
        for p in space.grid_points(DIGITS)
    }


def test_every_layer_stands_at_every_size_within_2_percent() -> None:
    found = models(equal_size_variants(BASE, learnable_params=[44_100, 110_000]))
    assert [name.split()[0] for name in found] == 2 * [
        "perturbation",
        "conv3x3",
        "conv1x1",
        "local_binary",
    ]
    for name, model in found.items():
        layer, size = name.split()
        assert model.layer == layer
        assert count_learnable_params(model) == pytest.approx(int(size), rel=0.02)


def test_layers_can_be_chosen() -> None:
    variants = equal_size_variants(
        BASE, learnable_params=[110_000], layers=["conv1x1", "perturbation"]
    )
    assert list(variants) == ["conv1x1 110000", "perturbation 110000"]


def test_masks_stay_the_bases_and_other_layers_do_without_them() -> None:
    base = ModelConfig(
        dataset=DIGITS,
        network="resnet8",
        mask_count=8,
        fan_out=4,
        mix_maps=True,
        mask=MaskConfig(noise_level=0.5, trained_masks=True),
    )
    found = models(
        equal_size_variants(base, learnable_params=[89_700], layers=["perturbation", "conv1x1"])
    )
    pnn, control = found.values()
    assert (pnn.fan_out, pnn.mix_maps, pnn.mask.trained_masks) == (4, True, True)
    assert pnn.mask.noise_level == 0.5
    assert (control.fan_out, control.mix_maps, control.mask.trained_masks) == (1, False, False)
    assert count_learnable_params(pnn) == pytest.approx(89_700, rel=0.02)
    assert count_learnable_params(control) == pytest.approx(89_700, rel=0.02)


def test_what_no_size_depends_on_is_left_to_the_space() -> None:
    variants = equal_size_variants(BASE, learnable_params=[110_000])
    space = SearchSpace(
        name="x",
        summary="",
        variants=variants,
        axes={"noise_level": CategoricalDistribution((0.1, 0.5))},
        fixed={"pooling": "average", "learning_rate": 0.01},
    )
    points = [(p["variant"].split()[0], p["noise_level"]) for p in space.grid_points(DIGITS)]
    assert points == [
        ("perturbation", 0.1),
        ("perturbation", 0.5),
        ("conv3x3", 0.1),
        ("conv1x1", 0.1),
        ("local_binary", 0.1),
    ]


@pytest.mark.parametrize("name", ["network", "fan_out", "grouped", "trained_masks", "stem"])
def test_what_a_size_depends_on_is_the_variants_alone(name: str) -> None:
    variants = equal_size_variants(BASE, learnable_params=[110_000])
    value = TrialConfig(model=BASE).parameters()[name]
    with pytest.raises(ValueError, match=f"'{name}' is both fixed and set by variant"):
        SearchSpace(name="x", summary="", variants=variants, fixed={name: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"noise_level": 0.7, "noise_distribution": "normal", "dropout": 0.2},
        {"nonzero_share": 0.3, "pooling": "average", "before_addition": "bn_relu"},
        {"stem_noise_level": 0.7, "stem_activation": "sigmoid"},
    ],
)
@pytest.mark.parametrize("layer", ["perturbation", "local_binary"])
def test_no_size_depends_on_what_is_left_to_the_space(layer: str, changes: dict) -> None:
    assert changes.keys() <= set(SIZE_FREE)
    trial = TrialConfig(model=BASE).with_parameters({"layer": layer, "stem": "perturbation"})
    changed = trial.with_parameters(changes)
    assert count_learnable_params(changed.model) == count_learnable_params(trial.model)


SPACE_FILE = """
from pnn_core.config import ModelConfig
from search_spaces import SearchSpace, equal_size_variants

def SPACE(dataset):
    base = ModelConfig(dataset=dataset, network="resnet8")
    variants = equal_size_variants(base, learnable_params=[{}], layers=["{}"])
    return SearchSpace(name="mine", summary="", variants=variants)
"""


@pytest.mark.parametrize(
    ("size", "layer", "message"),
    [
        (4000, "conv3x3", r"learnable_params \(=4000\) is out of reach of resnet8 .* conv3x3"),
        (110_000, "conv5x5", r"layer \(='conv5x5'\) must be one of perturbation, conv3x3"),
    ],
)
def test_a_size_that_no_width_reaches_is_refused_in_one_line(
    tmp_path: Path, size: int, layer: str, message: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SPACE_FILE.format(size, layer))
    with pytest.raises(SpaceError, match=message) as caught:
        find_space(str(file), DIGITS)
    assert str(file) not in str(caught.value)  # the command line says it
    assert "\n" not in str(caught.value)


def test_a_space_made_for_one_network_is_not_put_on_another(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SPACE_FILE.format(110_000, "conv3x3"))
    with pytest.raises(SpaceError, match="whose variants name theirs"):
        find_space(str(file), DIGITS, "resnet18")
