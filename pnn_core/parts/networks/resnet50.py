"""ResNet-50, as published, of bottlenecks."""

from pnn_core.parts.networks.residual import ResidualNetwork

NETWORK = ResidualNetwork(stage_blocks=(3, 4, 6, 3), bottleneck=True)
