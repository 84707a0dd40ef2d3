"""Variants are names that stand for several settings at once."""

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace, SpaceError, find_space

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)


def space(**changes: object) -> SearchSpace:
    settings: dict = {
        "name": "test",
        "summary": "",
        "fixed": {"network": "resnet8"},
        "axes": {"mask_count": IntDistribution(6, 8)},
        "variants": {
            "plain": {},
            "wide": {"fan_out": 2, "noise_level": 0.5},
            "quiet": {"layer": "conv1x1", "learning_rate": 0.01},
        },
    }
    return SearchSpace(**{**settings, **changes})


def test_variants_are_the_first_axis() -> None:
    axes = list(space().axes.items())
    assert axes == [
        ("variant", CategoricalDistribution(("plain", "wide", "quiet"))),
        ("mask_count", IntDistribution(6, 8)),
    ]


def test_a_space_of_variants_alone_lists_each() -> None:
    points = list(space(axes={}).grid_points(DIGITS))
    assert points == [{"variant": "plain"}, {"variant": "wide"}, {"variant": "quiet"}]


def test_a_point_gets_the_settings_of_its_variant_and_no_others() -> None:
    variants = space()

    def trial(variant: str):
        point = {"variant": variant, "mask_count": 8}
        return variants.configure(point, dataset=DIGITS, epochs=1, seed=0)

    assert trial("wide") == trial("plain").with_parameters({"fan_out": 2, "noise_level": 0.5})
    assert trial("quiet").model.layer == "conv1x1"
    assert trial("quiet").optim.learning_rate == 0.01
    assert trial("plain").model.network == trial("wide").model.network == "resnet8"


def test_combinations_of_a_variant_that_cannot_be_built_are_no_points() -> None:
    masks = [p["mask_count"] for p in space().grid_points(DIGITS) if p["variant"] == "wide"]
    assert masks == [6, 8]


def test_two_names_for_the_same_settings_are_one_point() -> None:
    same = space(axes={}, variants={"a": {"noise_level": 0.1}, "b": {}, "c": {"noise_level": 0.2}})
    assert [p["variant"] for p in same.grid_points(DIGITS)] == ["a", "c"]


def test_a_copy_keeps_its_variants() -> None:
    assert replace(space(), name="copy").axes == space().axes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants": {"a": {"noise_levl": 1}}}, "did you mean noise_level"),
        ({"variants": {"a": {"seed": 1}}}, "given by the study"),
        ({"variants": {"a": {"variant": "b"}}}, "is no parameter"),
        ({"variants": {"a": {"mask_count": 8}}}, "both searched and set by variant 'a'"),
        ({"variants": {"a": {"network": "lenet"}}}, "both fixed and set by variant 'a'"),
        ({"axes": {"variant": CategoricalDistribution(("a", "b"))}}, "leave it out of axes"),
        (
            {"axes": {"variant": CategoricalDistribution(("a",))}, "variants": {}},
            "say in `variants` what each stands for",
        ),
    ],
)
def test_variants_that_make_no_sense_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space(**changes)


@pytest.mark.parametrize("point", [{"variant": "other"}, {}])
def test_a_point_of_no_variant_is_refused(point: dict) -> None:
    with pytest.raises(ValueError, match="must be one of plain, wide, quiet"):
        space().configure(point, dataset=DIGITS, epochs=1, seed=0)


def test_a_variant_that_cannot_be_built_is_refused_with_its_fields_and_values(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from search_spaces import SearchSpace\n"
        "SPACE = SearchSpace(name='mine', summary='', variants={\n"
        "    'good': {}, 'bad': {'layer': 'conv3x3', 'grouped': True}})\n"
    )
    with pytest.raises(SpaceError, match=r"variant 'bad'.* grouped \(=True\) .*layer \(=conv3x3\)"):
        find_space(str(file), DIGITS)
