"""The headline's measure of a front, and the images it is taken on."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from pnn_core.data import DATASETS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def side(module):
    sides = module("front_sides")
    usage = module("process_tree").Usage(wall_seconds=9.0, cpu_seconds={}, peak_bytes=0)

    def make(*trials: tuple[float, float, int]):
        trained = [
            sides.Trained(seconds=seconds, val_accuracy=accuracy, learnable_params=size)
            for seconds, accuracy, size in trials
        ]
        return sides.Side(
            trials=sides.by_end(trained),
            started=len(trained),
            training_seconds=1.0,
            span_seconds=4.0,
            usage=usage,
        )

    return make


def test_the_hypervolume_is_accuracy_by_decades_below_the_largest(side):
    one = side((3.0, 0.9, 1000), (5.0, 0.5, 100))
    np.testing.assert_allclose(one.hypervolumes(10_000), [0.9, 0.9 + 0.5])


def test_a_front_is_reached_when_the_trial_that_reaches_it_ends(side):
    one = side((5.0, 0.5, 100), (3.0, 0.9, 1000), (7.0, 0.9, 10_000))
    assert one.seconds_to(0.8, 10_000) == 3.0
    assert one.seconds_to(1.0, 10_000) == 5.0
    assert np.isnan(one.seconds_to(1.5, 10_000))


def test_the_goal_is_of_the_best_front_of_the_sides_that_are_named(module, side):
    front = module("time_to_front")
    recipe, ours = side((1.0, 0.5, 100)), side((1.0, 0.4, 100), (2.0, 0.9, 100), (3.0, 0.9, 1000))
    sides = {"recipe": recipe, "same trials": ours}
    assert front.seconds_to(sides, recipe, ["recipe"]) == 1.0
    assert front.seconds_to(sides, ours, ["recipe"]) == 2.0
    assert front.seconds_to(sides, ours, [*sides]) == 2.0
    assert np.isnan(front.seconds_to(sides, recipe, [*sides]))


def test_a_span_is_from_the_first_training_to_the_last_end(module):
    sides = module("front_sides")
    first = sides.Training(ended=103.0, seconds=2.0)
    last = sides.Training(ended=110.0, seconds=8.0)
    assert sides.span([last, first]) == 9.0


def test_a_front_that_was_not_reached_is_called_so(module):
    front = module("time_to_front")
    assert front.spread([1.0, 2.0, 4.0]) == "2.00 (1.00 to 4.00)"
    assert front.spread([float("nan"), 2.0]) == "not in 1 of 2"
    assert front.spread([float("nan")] * 2) == "not reached"


@pytest.mark.skipif(not FASHION_MNIST.is_dir(), reason="the Fashion-MNIST files are not here")
def test_the_subset_is_the_first_images_of_fashion_mnist(module, tmp_path):
    subset = module("fashion_subset")
    subset.write_fashion_subset(FASHION_MNIST, tmp_path, train=60, test=20)
    whole, _ = DATASETS["fashion_mnist"].read(FASHION_MNIST, "train")
    part, _ = DATASETS["fashion_mnist"].read(tmp_path, "train")
    np.testing.assert_array_equal(part.images, whole.images[:60])
    np.testing.assert_array_equal(part.labels, whole.labels[:60])
    test, _ = DATASETS["fashion_mnist"].read(tmp_path, "test")
    assert len(test) == 20
