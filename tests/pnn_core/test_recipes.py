import dataclasses
import subprocess
import sys

import pytest

from pnn_core.config import DatasetShape, TrialConfig
from pnn_core.recipes import RECIPES, original

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)


def test_the_recipes_are_known_by_the_names_of_their_code_bases() -> None:
    assert list(RECIPES) == ["original", "klachko", "update"]


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        (
            "original",
            {
                "optimizer": "adam",
                "learning_rate": 1e-4,
                "noise_level": 0.1,
                "stem": "conv7x7",
                "order": "noise_relu_bn_conv",
                "before_addition": "bn",
                "batch_size": 10,
                "epochs": 80,
            },
        ),
        (
            "klachko",
            {
                "optimizer": "sgd",
                "momentum": 0.9,
                "learning_rate": 1e-3,
                "noise_level": 0.5,
                "stem": "conv3x3",
                "order": "noise_relu_conv_bn_relu",
                "before_addition": "bn_relu",
                "batch_size": 16,
            },
        ),
        (
            "update",
            {
                "optimizer": "adam",
                "learning_rate": 1e-4,
                "noise_level": 0.1,
                "stem": "conv3x3_frozen",
                "order": "noise_relu_bn_conv",
                "schedule": "update",
                "batch_size": 10,
                "epochs": 450,
            },
        ),
    ],
)
def test_a_recipe_has_the_settings_that_its_code_base_states(
    name: str, stated: dict[str, object]
) -> None:
    common = {"network": "resnet18", "mask_count": 128, "fan_out": 1, "weight_decay": 1e-4}
    common |= {"initialisation": "published", "normalisation": "published"}
    parameters = RECIPES[name](CIFAR).parameters()
    assert {key: parameters[key] for key in {**stated, **common}} == {**stated, **common}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_runs_for_other_data_and_fewer_epochs(name: str) -> None:
    shape = DatasetShape(channels=1, height=28, width=28, classes=7)
    recipe = RECIPES[name](shape)
    assert recipe.model.dataset == shape
    shorter = dataclasses.replace(recipe, epochs=2)
    assert shorter.epochs == 2
    assert isinstance(shorter, TrialConfig)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_told_by_its_parameters(name: str) -> None:
    recipe = RECIPES[name](CIFAR)
    rebuilt = TrialConfig(model=original(CIFAR).model).with_parameters(recipe.parameters())
    assert rebuilt.parameters() == recipe.parameters()


def test_the_recipes_need_no_torch() -> None:
    code = "import sys, pnn_core.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
