"""A space says what is searched, and refuses what makes no sense."""

import itertools
import sys
from collections import Counter
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import DatasetShape
from search_spaces import BUILT_IN, SearchSpace, SpaceError, find_space
from search_spaces.buildable import require_a_network
from search_spaces.catalogue import FOR_DETECTION

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CLASSIFYING = tuple(name for name in BUILT_IN if name not in FOR_DETECTION)
MNIST = DatasetShape(channels=1, height=28, width=28, classes=10)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
IMAGENET100 = DatasetShape(channels=3, height=224, width=224, classes=100)


def space(**changes: object) -> SearchSpace:
    settings: dict = {
        "name": "test",
        "summary": "",
        "axes": {"mask_count": CategoricalDistribution((6, 8)), "fan_out": IntDistribution(1, 4)},
    }
    return SearchSpace(**{**settings, **changes})


def test_noise_masks_searches_the_papers_values_on_large_images() -> None:
    axes = find_space("noise_masks", CIFAR).axes
    assert axes == {
        "mask_count": CategoricalDistribution((8, 16, 32, 64, 96, 128, 160)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
        "fan_out": CategoricalDistribution((1, 2, 4, 8)),
        "batch_size": CategoricalDistribution((10, 20, 40, 80)),
    }


@pytest.mark.parametrize(("shape", "network"), [(CIFAR, "resnet18"), (DIGITS, "resnet8")])
def test_noise_masks_fits_the_network_to_the_images(shape: DatasetShape, network: str) -> None:
    noise_masks = find_space("noise_masks", shape)
    point = next(noise_masks.grid_points(shape))
    assert noise_masks.configure(point, dataset=shape, epochs=1, seed=0).model.network == network


@pytest.mark.parametrize("name", sorted({*CLASSIFYING} - {"pnn_bench"}))
@pytest.mark.parametrize("shape", [CIFAR, DIGITS, MNIST, IMAGENET100])
def test_every_point_of_a_built_in_grid_can_be_built(name: str, shape: DatasetShape) -> None:
    built_in = find_space(name, shape)
    axes = built_in.grid_values()
    product = 1
    for values in axes.values():
        product *= len(values)
    assert len(list(built_in.grid_points(shape))) == product


@pytest.mark.parametrize("name", CLASSIFYING)
def test_a_built_in_space_knows_its_name_and_says_what_it_is_in_a_line(name: str) -> None:
    built_in = find_space(name, CIFAR)
    assert built_in.name == name
    assert 20 < len(built_in.summary) <= 90
    assert "\n" not in built_in.summary


def test_the_papers_tables_are_there_to_be_run_whole_and_noise_masks_to_be_sampled() -> None:
    sampled = {n for n in CLASSIFYING if not find_space(n, CIFAR).is_grid}
    tables = {n for n in CLASSIFYING if n.startswith("paper_")}
    assert sampled >= {"noise_masks", "pnn_bench"}
    assert not sampled & (tables | {"controls", "dispute"})


def test_pnn_bench_lists_each_network_once_though_most_layers_have_no_noise() -> None:
    points = find_space("pnn_bench", DIGITS).grid_points(DIGITS)
    layers = Counter(point["layer"] for point in points)
    # Mask counts × learning rates, times fan-outs where there are masks, times noise levels.
    assert layers == {
        "perturbation": 4 * 4 * 3 * 5,
        "local_binary": 4 * 4 * 3,
        "conv3x3": 4 * 4,
        "conv1x1": 4 * 4,
    }


def test_invalid_combinations_are_no_points() -> None:
    points = [(p["mask_count"], p["fan_out"]) for p in space().grid_points(DIGITS)]
    assert points == [(6, 1), (6, 2), (6, 3), (8, 1), (8, 2), (8, 4)]


def test_points_that_describe_the_same_training_run_are_listed_once() -> None:
    layers = space(
        axes={
            "layer": CategoricalDistribution(("perturbation", "conv3x3")),
            "noise_level": CategoricalDistribution((0.1, 0.5)),
        }
    )
    points = [tuple(point.values()) for point in layers.grid_points(DIGITS)]
    assert points == [("perturbation", 0.1), ("perturbation", 0.5), ("conv3x3", 0.1)]


def test_a_run_key_tells_training_runs_apart_and_not_their_names() -> None:
    searched = space(axes={}, variants={"a": {}, "b": {"noise_level": 0.1}, "c": {"fan_out": 2}})
    a, b, c = (searched.run_key({"variant": name}, DIGITS) for name in "abc")
    assert a == b != c


def test_the_run_key_of_a_point_that_cannot_be_built_is_its_own() -> None:
    bad = [{"mask_count": 6, "fan_out": fan_out} for fan_out in (4, 5, 4)]
    first, other, again = (space().run_key(point, DIGITS) for point in bad)
    assert first == again != other


LAYERS = {"layer": CategoricalDistribution(("perturbation", "conv3x3"))}


def test_a_grid_to_be_run_whole_is_refused_if_a_cell_of_it_cannot_be_built() -> None:
    table = space(axes=LAYERS, fixed={"grouped": True}, is_grid=True)
    with pytest.raises(ValueError, match="cannot be built") as caught:
        require_a_network(table, DIGITS)
    assert str(caught.value) == (
        "space 'test' is a grid to be run whole, but layer (='conv3x3') cannot be built: "
        "grouped (=True) must be False with layer (=conv3x3): it is a setting of perturbation, "
        "noise_off, constant_masks, fresh_masks, blurred_masks, shift, depthwise, "
        "random_depthwise, average"
    )


def test_the_cell_that_cannot_be_built_is_named_with_all_its_values() -> None:
    variants = {"thin": {}, "fanned": {"fan_out": 4}}
    table = space(axes={"mask_count": IntDistribution(4, 6)}, variants=variants, is_grid=True)
    with pytest.raises(ValueError, match=r"variant \(='fanned'\), mask_count \(=5\) cannot be"):
        require_a_network(table, DIGITS)


def test_a_space_to_be_sampled_may_have_corners_that_cannot_be_built() -> None:
    require_a_network(space(axes=LAYERS, fixed={"grouped": True}), DIGITS)


def test_configure_gives_the_whole_training_run() -> None:
    trial = space(fixed={"noise_level": 0.3, "optimizer": "sgd", "network": "resnet8"}).configure(
        {"mask_count": 8, "fan_out": 2}, dataset=DIGITS, epochs=7, seed=5
    )
    assert trial.model.dataset == DIGITS
    assert (trial.model.mask_count, trial.model.width, trial.model.network) == (8, 4, "resnet8")
    assert (trial.model.mask.noise_level, trial.optim.optimizer) == (0.3, "sgd")
    assert (trial.epochs, trial.seed) == (7, 5)


@pytest.mark.parametrize(
    ("axes", "finite"),
    [
        ({"mask_count": IntDistribution(8, 16, step=4)}, True),
        ({"noise_level": FloatDistribution(0.1, 0.5, step=0.2)}, True),
        ({"noise_level": FloatDistribution(0.1, 0.1)}, True),
        ({"noise_level": FloatDistribution(0.1, 0.5)}, False),
    ],
)
def test_a_space_is_finite_unless_an_axis_is_continuous(axes: dict, finite: bool) -> None:
    assert space(axes=axes).is_finite() == finite
    if finite:
        for point in space(axes=axes).grid_points(DIGITS):
            for name, value in point.items():
                assert axes[name]._contains(axes[name].to_internal_repr(value))


def test_stepped_values_stay_on_their_axis() -> None:
    axis = FloatDistribution(0.1, 0.7, step=0.2)
    values = space(axes={"noise_level": axis}).grid_values()["noise_level"]
    assert values == pytest.approx([0.1, 0.3, 0.5, 0.7])
    assert all(axis._contains(value) for value in values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": {}}, "at least one parameter"),
        (
            {"axes": {"noise_level": FloatDistribution(0.1, 1.0)}, "is_grid": True},
            "'noise_level' is continuous: name the values",
        ),
        ({"axes": {"mask_cuont": IntDistribution(1, 2)}}, "did you mean mask_count"),
        ({"fixed": {"noise": 1}}, "'noise' is not a parameter"),
        ({"fixed": {"fan_out": 1}}, "'fan_out' is both searched and fixed"),
        ({"fixed": {"epochs": 3}}, "given by the study"),
        ({"axes": {"mask_count": (1, 2)}}, "must be an Optuna distribution"),
        ({"grid": {"noise_level": (0.1,)}}, "which is not a continuous axis"),
        (
            {
                "axes": {"noise_level": FloatDistribution(0.1, 1.0)},
                "grid": {"noise_level": (0.1, 2.0)},
            },
            "grid value 2.0 of 'noise_level' lies outside its axis, 0.1 to 1",
        ),
        (
            {
                "axes": {"noise_level": FloatDistribution(0.1, 0.7, step=0.2)},
                "grid": {"noise_level": (0.1, 0.2)},
            },
            "value 0.2 of 'noise_level' is no step of its axis: accepted are 0.1, 0.3, 0.5, 0.7",
        ),
        (
            {"axes": {"noise_level": FloatDistribution(0.1, 0.7)}, "grid": {"noise_level": ()}},
            r"grid of 'noise_level' \(=\(\)\) must hold at least one value",
        ),
        (
            {"axes": {"fan_out": CategoricalDistribution((1, 4))}, "fixed": {"mask_count": 30}},
            r"fan_out \(=4\) must divide mask_count \(=30\)",
        ),
        (
            {
                "axes": {"noise_level": FloatDistribution(0.1, 1.0)},
                "fixed": {"mask_count": 30, "fan_out": 7},
            },
            r"fan_out \(=7\) must divide mask_count \(=30\)",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space(**changes)


def test_a_space_with_billions_of_points_is_checked_in_little_memory() -> None:
    axes = {"mask_seed": IntDistribution(0, 2**40), "mask_count": IntDistribution(4, 6, step=2)}
    many = space(axes=axes)
    require_a_network(many, DIGITS)
    assert many.grid_size() == 2 * (2**40 + 1)
    first = list(itertools.islice(many.grid_points(DIGITS), 3))
    assert [tuple(point.values()) for point in first] == [(0, 4), (0, 6), (1, 4)]


def test_a_grid_may_leave_out_steps_of_an_axis() -> None:
    axis = FloatDistribution(0.1, 0.7, step=0.2)
    some = space(axes={"noise_level": axis}, grid={"noise_level": (0.1 + 0.2, 0.7)})
    assert [point["noise_level"] for point in some.grid_points(DIGITS)] == [0.1 + 0.2, 0.7]


def test_a_continuous_axis_without_grid_values_has_no_grid() -> None:
    with pytest.raises(ValueError, match="'noise_level' is continuous"):
        space(axes={"noise_level": FloatDistribution(0.1, 1.0)}).grid_values()


SPACE_FILE = """
from optuna.distributions import IntDistribution
from search_spaces import SearchSpace
"""


def test_a_users_file_is_a_space(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        SPACE_FILE
        + "SPACE = SearchSpace(name='mine', summary='', axes={'mask_count': IntDistribution(1, 9)})"
    )
    assert find_space(str(file), DIGITS).name == "mine"


def test_a_file_may_define_dataclasses_whose_annotations_are_strings(tmp_path: Path) -> None:
    file = tmp_path / "space.py"  # the name of a module, which stays what it is
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + SPACE_FILE
        + "@dataclass\nclass Range:\n    low: int\n    high: int\n"
        + "axis = IntDistribution(**vars(Range(1, 9)))\n"
        + "SPACE = SearchSpace(name='mine', summary='', axes={'mask_count': axis})"
    )
    modules = set(sys.modules)
    assert find_space(str(file), DIGITS).axes == {"mask_count": IntDistribution(1, 9)}
    assert set(sys.modules) == modules


def test_a_users_space_may_depend_on_the_images(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        SPACE_FILE
        + "def SPACE(dataset):\n"
        + "    axes = {'mask_count': IntDistribution(1, dataset.height)}\n"
        + "    return SearchSpace(name='mine', summary='', axes=axes)\n"
    )
    assert find_space(str(file), DIGITS).axes == {"mask_count": IntDistribution(1, 8)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not define SPACE"),
        ("space = 1", "it defines space, and names are case-sensitive"),
        ("SPACE = {}", "defines SPACE as dict; accepted is a SearchSpace"),
        ("1 / 0", "raised ZeroDivisionError: division by zero"),
        ("def SPACE(dataset): return 1 / 0", "ZeroDivisionError: division by zero while making"),
        ("def SPACE(dataset): return 3", "defines SPACE as int"),
        ("SPACE = (", "raised SyntaxError"),
        (
            SPACE_FILE + "from optuna.distributions import CategoricalDistribution as C\n"
            "SPACE = SearchSpace(name='x', summary='',"
            " axes={'mask_count': C((3, 5)), 'fan_out': C((2, 4))})",
            "holds no network that can be built",
        ),
    ],
)
def test_a_file_that_is_no_space_is_refused_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(SpaceError, match=message) as caught:
        find_space(str(file), DIGITS)
    assert "\n" not in str(caught.value)
    assert str(file) not in str(caught.value)  # the command line says it


def test_what_a_file_says_of_itself_is_said_as_it_is(tmp_path: Path) -> None:
    said = "from search_spaces import SpaceError\n"
    for text in ("raise SpaceError('too small')", "def SPACE(d): raise SpaceError('too small')"):
        file = tmp_path / "mine.py"
        file.write_text(said + text)
        with pytest.raises(SpaceError, match=r"^too small$"):
            find_space(str(file), DIGITS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("noise_mask", "did you mean noise_masks"),
        ("nothing/like/it.py", "there is no file of that name"),
    ],
)
def test_a_space_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        find_space(name, DIGITS)
