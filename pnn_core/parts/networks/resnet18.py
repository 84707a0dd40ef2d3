"""ResNet-18, as published."""

from pnn_core.parts.networks.residual import ResidualNetwork

NETWORK = ResidualNetwork(stage_blocks=(2, 2, 2, 2))
