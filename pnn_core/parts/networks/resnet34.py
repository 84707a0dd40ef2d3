"""ResNet-34, as published."""

from pnn_core.parts.networks.residual import ResidualNetwork

NETWORK = ResidualNetwork(stage_blocks=(3, 4, 6, 3))
