"""Costs of using a network: bytes that are alive at once, and a time."""

import torch
from torch import nn

from pnn_core.training.inference_cost import measure_latency, measure_peak_memory


def test_peak_memory_is_that_of_the_weights_and_the_largest_moment() -> None:
    network = nn.Sequential(nn.Conv2d(1, 8, 1, bias=False), nn.ReLU(), nn.Conv2d(8, 2, 1))
    image = torch.zeros(1, 1, 16, 16)
    floats = 8 + (16 + 2)  # weights
    floats += 256  # image
    floats += 8 * 256 + 8 * 256  # the first map, and the ReLU's of it
    assert measure_peak_memory(network, image) == 4 * floats


def test_maps_that_are_freed_do_not_count_and_views_are_no_maps() -> None:
    deep = nn.Sequential(*(nn.ReLU() for _ in range(20)), nn.Flatten())
    image = torch.zeros(1, 1, 16, 16)
    assert measure_peak_memory(deep, image) == 4 * (256 + 2 * 256)


def test_latency_is_a_time_in_evaluation_mode() -> None:
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten())
    before = network[0].running_mean.clone()
    milliseconds = measure_latency(network, torch.ones(1, 1, 4, 4))
    assert 0 < milliseconds < 1000
    assert torch.equal(network[0].running_mean, before)
