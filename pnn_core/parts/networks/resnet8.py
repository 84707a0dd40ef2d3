"""ResNet-8, for small images: three stages of one block with widths p, 2p, 4p."""

from pnn_core.parts.networks.residual import ResidualNetwork

NETWORK = ResidualNetwork(stage_blocks=(1, 1, 1))
