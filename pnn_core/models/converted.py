"""Networks of other people in a study: built as they are, and their convolutions turned."""

import torch

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.models.convert import Conversion, record_calls, turn
from pnn_core.parts.networks.converted import PLAIN_LAYER, ConvertedNetwork


def build_conversion(
    config: ModelConfig, entry: ConvertedNetwork, generator: torch.Generator
) -> Conversion:
    """Build a network and turn its convolutions, all but the first one, into the config's layer.

    All weights are drawn from torch's global generator: the network's first, then the new layers'.
    With the layer `conv3x3` the network stays as it is. Where shapes alone are asked for, on the
    meta device, what is not turned is built on the CPU all the same: code of other people may do
    arithmetic when it builds.

    Args:
        config: The network.
        entry: Its entry in `NETWORKS`.
        generator: CPU source of the randomness of masks and filters.

    Raises:
        ValueError: The layer cannot stand in the place of each convolution that is turned.
    """
    with torch.device("cpu"):
        network = entry.new(config.dataset)
        if config.layer == PLAIN_LAYER:
            return Conversion(network=network, turned=(), kept={})
        with torch.random.fork_rng(devices=[]):
            calls = record_calls(network, example_images(config.dataset, 1))
    return turn(network, calls, config, generator, every=True)


def example_images(dataset: DatasetShape, count: int) -> torch.Tensor:
    """Return images of a data set's shape, laid out in memory as in training."""
    images = torch.zeros(count, dataset.channels, dataset.height, dataset.width)
    return images.contiguous(memory_format=torch.channels_last)
