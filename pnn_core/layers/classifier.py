"""The classifier behind the last feature map."""

from collections.abc import Sequence

from torch import nn

from pnn_core.parts.networks.network import ClassifierShape


def build_classifier(shape: ClassifierShape, classes: int, dropout: float) -> nn.Sequential:
    """Build an average pool, then linear layers; or a 1×1, a ReLU and the pool.

    Dropout stands where the published networks have it: behind each hidden layer or, where there
    is none, behind the pool; a 1×1 has none.

    Args:
        shape: Sizes of the map, the pool and the hidden layers.
        classes: Number of logits.
        dropout: Share of the features set to 0 in training.

    Returns:
        Maps `[batch, *shape.inputs]` to logits `[batch, classes]`.
    """
    pooled = shape.pooled
    if shape.convolutional:
        return nn.Sequential(
            nn.Conv2d(shape.inputs.channels, classes, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((pooled.height, pooled.width)),
            nn.Flatten(),
        )
    layers: list[nn.Module] = []
    if pooled != shape.inputs:
        layers.append(nn.AdaptiveAvgPool2d((pooled.height, pooled.width)))
    layers.append(nn.Flatten())
    features = pooled.channels * pooled.pixels
    layers += build_hidden(features, shape.hidden, dropout) or [nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear((features, *shape.hidden)[-1], classes))


def build_hidden(features: int, hidden: Sequence[int], dropout: float) -> list[nn.Module]:
    """Build hidden linear layers, each with a ReLU and dropout behind it.

    Args:
        features: Numbers that come in.
        hidden: Units of each layer.
        dropout: Share of the units set to 0 in training.
    """
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(features, units), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        features = units
    return layers
