"""A space can be asked for on another network."""

from pathlib import Path

import pytest
from optuna.distributions import IntDistribution

from pnn_core.config import DatasetShape
from search_spaces import BUILT_IN, SearchSpace, SpaceError, find_space, require_network
from search_spaces.catalogue import FOR_DETECTION

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CLASSIFYING = tuple(name for name in BUILT_IN if name not in FOR_DETECTION)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
HEAD = (
    "from optuna.distributions import CategoricalDistribution, IntDistribution\n"
    "from search_spaces import SearchSpace\n"
)
FIXED = "SearchSpace(name='x', summary='', axes={'mask_count': IntDistribution(4, 8)}, fixed=%s)"


def networks(name: str, dataset: DatasetShape, network: str | None) -> set[str]:
    space = find_space(name, dataset, network)
    trials = (
        space.configure(p, dataset=dataset, epochs=1, seed=0) for p in space.grid_points(dataset)
    )
    return {trial.model.network for trial in trials}


@pytest.mark.parametrize("name", CLASSIFYING)
@pytest.mark.parametrize(("shape", "network"), [(CIFAR, "resnet34"), (DIGITS, "resnet8")])
def test_every_built_in_space_takes_another_network(
    name: str, shape: DatasetShape, network: str
) -> None:
    assert networks(name, shape, network) == {network}


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("SPACE = " + FIXED % "{'network': 'resnet8'}", "resnet8"),
        ("SPACE = " + FIXED % "{}", "resnet18"),
        ("def SPACE(dataset): return " + FIXED % "{'network': 'resnet8'}", "resnet8"),
        ("def SPACE(dataset, classes=2): return " + FIXED % "{}", "resnet18"),
        (
            "def SPACE(dataset, network):\n"
            "    return " + FIXED % "{'network': network or 'resnet34'}",
            "resnet34",
        ),
    ],
)
def test_every_kind_of_file_takes_another_network(tmp_path: Path, text: str, own: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + text)
    assert networks(str(file), DIGITS, None) == {own}
    assert networks(str(file), DIGITS, "lenet") == {"lenet"}


def test_a_function_that_makes_its_variants_for_a_network_is_told_of_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        HEAD + "def SPACE(dataset, network=None):\n"
        "    variants = {'a': {'network': network or 'resnet8', 'mask_count': 4}}\n"
        "    return SearchSpace(name='x', summary='', variants=variants)\n"
    )
    assert networks(str(file), DIGITS, "vgg16") == {"vgg16"}
    assert networks(str(file), DIGITS, None) == {"resnet8"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            "axes={'network': CategoricalDistribution(('resnet8', 'lenet'))}",
            "network resnet18 cannot be asked of space 'x', which searches the network itself",
        ),
        (
            "variants={'a': {'network': 'lenet'}}",
            "network resnet18 cannot be asked of space 'x', whose variants name theirs",
        ),
    ],
)
def test_a_network_that_the_space_chooses_itself_is_not_overruled(
    tmp_path: Path, settings: str, message: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + f"SPACE = SearchSpace(name='x', summary='', {settings})")
    assert find_space(str(file), DIGITS).name == "x"
    with pytest.raises(SpaceError, match=message):
        find_space(str(file), DIGITS, "resnet18")


@pytest.mark.parametrize(("typed", "nearest"), [("resnet19", "resnet18"), ("VGG-16", "vgg16")])
def test_an_unknown_network_is_refused_with_the_nearest(typed: str, nearest: str) -> None:
    message = f"'{typed}' is not a network: .*did you mean {nearest}"
    with pytest.raises(ValueError, match=message):
        require_network(typed)
    with pytest.raises(SpaceError, match=message):
        find_space("noise_masks", CIFAR, typed)


def test_a_width_at_which_grouped_nin_cannot_be_built_is_no_point_of_a_space() -> None:
    space = SearchSpace(
        name="grouped",
        summary="",
        axes={"mask_count": IntDistribution(8, 11)},
        fixed={"network": "nin", "grouped": True},
    )
    assert [point["mask_count"] for point in space.grid_points(DIGITS)] == [8, 10]
    with pytest.raises(ValueError, match=r"grouped\) at a width of 9, .* accepted are even ones"):
        space.configure({"mask_count": 9}, dataset=DIGITS, epochs=1, seed=0)
