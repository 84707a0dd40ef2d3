"""The paper's tables are grids of the cells that the paper reports.

Numbers from Juefei-Xu et al., "Perturbative Neural Networks", CVPR 2018, Tables 1 and 3 to 6.
"""

import itertools
from collections.abc import Iterator

import pytest

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from search_spaces import find_space

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
MNIST = DatasetShape(channels=1, height=28, width=28, classes=10)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
IMAGENET100 = DatasetShape(channels=3, height=224, width=224, classes=100)
IMAGENET = DatasetShape(channels=3, height=224, width=224, classes=1000)

TABLES = ("paper_table1", "paper_table3", "paper_table4", "paper_table5", "paper_table6")

CELLS = {
    ("paper_table1", IMAGENET): [("resnet18", masks, None, None) for masks in (256, 128, 64)],
    ("paper_table3", IMAGENET100): [
        ("resnet50", 256, level, None) for level in (0.01, 0.05, 0.1, 0.5, 1, 5)
    ],
    ("paper_table4", CIFAR): [("resnet50", 64, None, 10)],
    ("paper_table4", MNIST): [("resnet50", 32, None, 10)],
    ("paper_table5", CIFAR): [
        ("resnet18", masks, None, None) for masks in (160, 128, 96, 64, 32, 16, 8)
    ],
    ("paper_table6", CIFAR): [
        ("resnet50", masks, None, batch)
        for masks, batch in itertools.product((32, 64, 128), (10, 20, 40, 80))
    ],
}
"""Network, mask count, noise level and batch size of each cell; None where the paper is silent."""

TABLE_5_RATIOS = {160: 1.3, 128: 2.0, 96: 3.5, 64: 7.9, 32: 31.0, 16: 120.1, 8: 451.1}
TABLE_1_RATIOS = {256: 0.9, 128: 1.8, 64: 5.9}
TABLE_1_PEERS = {256: "resnet34", 128: "resnet18", 64: "resnet18"}


def trials(name: str, shape: DatasetShape) -> Iterator[TrialConfig]:
    space = find_space(name, shape)
    for point in space.grid_points(shape):
        yield space.configure(point, dataset=shape, epochs=100, seed=0)


@pytest.mark.parametrize(("table", "shape"), CELLS)
def test_a_table_holds_the_cells_that_the_paper_reports(table: str, shape: DatasetShape) -> None:
    cells = CELLS[table, shape]
    found = [
        (t.model.network, t.model.mask_count, t.model.mask.noise_level, t.optim.batch_size)
        for t in trials(table, shape)
    ]
    stated = [
        tuple(None if said is None else value for value, said in zip(trial, cell, strict=True))
        for trial, cell in zip(found, cells, strict=True)
    ]
    assert stated == cells


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("shape", "stem"),
    [(DIGITS, "conv3x3"), (MNIST, "conv3x3"), (CIFAR, "conv3x3"), (IMAGENET, "conv7x7")],
)
def test_a_table_is_trained_as_section_5_says_with_the_images_first_layer(
    table: str, shape: DatasetShape, stem: str
) -> None:
    for trial in trials(table, shape):
        assert (trial.optim.learning_rate, trial.optim.schedule) == (1e-3, "tenth_at_60_90")
        assert trial.optim.optimizer == "adam"
        assert (trial.model.layer, trial.model.fan_out) == ("perturbation", 1)
        assert trial.model.mask.noise_distribution == "uniform"
        assert trial.model.first_layer.stem == stem


def test_table_5s_parameter_ratios_come_out_within_2_percent() -> None:
    standard_resnet18 = 11_173_962
    ratios = {
        trial.model.mask_count: standard_resnet18 / count_learnable_params(trial.model)
        for trial in trials("paper_table5", CIFAR)
    }
    assert ratios == pytest.approx(TABLE_5_RATIOS, rel=0.02)


def test_table_1s_parameter_ratios_come_out_within_3_percent() -> None:
    for trial in trials("paper_table1", IMAGENET):
        masks = trial.model.mask_count
        peer = ModelConfig(
            dataset=IMAGENET,
            network=TABLE_1_PEERS[masks],
            layer="conv3x3",
            first_layer=trial.model.first_layer,
        )
        ratio = count_learnable_params(peer) / count_learnable_params(trial.model)
        assert ratio == pytest.approx(TABLE_1_RATIOS[masks], rel=0.03, abs=0.05)


def test_table_2_puts_each_network_beside_the_plain_one() -> None:
    found = [
        (t.model.network, t.model.layer, t.model.width) for t in trials("paper_table2", IMAGENET)
    ]
    assert found == [
        (network, layer, width)
        for network in ("resnet18", "resnet50")
        for layer, width in (("perturbation", 256), ("conv3x3", 64))
    ]


def test_gaussian_noise_stands_beside_uniform_noise_of_each_level() -> None:
    found = [
        (t.model.mask.noise_distribution, t.model.mask.noise_level)
        for t in trials("gaussian_noise", CIFAR)
    ]
    levels = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
    assert sorted(found) == sorted(itertools.product(("uniform", "normal"), levels))


def test_table_4_has_more_parameters_than_the_network_that_it_is_said_to_reduce() -> None:
    (trial,) = trials("paper_table4", CIFAR)
    assert count_learnable_params(trial.model) == 13_472_394
