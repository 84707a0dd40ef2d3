"""ResNet-20 for CIFAR, of 3 blocks a stage with widths p, 2p, 4p; p = 16 as published.

He et al., "Deep residual learning for image recognition", CVPR 2016, Section 4.2: with shortcuts
that have no parameters (option A).
"""

from pnn_core.parts.networks.residual import ResidualNetwork

NETWORK = ResidualNetwork(stage_blocks=(3, 3, 3), padded_shortcut=True)
