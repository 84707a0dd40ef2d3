"""VGG-16 with batch norm: 13 layers in stages of width p, 2p, 4p, 8p, 8p.

Its classifier was made for images of 224 pixels. Smaller ones get a global pool and one linear
layer, as is usual for CIFAR: the 123 million weights behind a 7×7 map would see copies of one
pixel.

As a detector it has features of stride 16 behind the stem `conv3x3`, and those hidden layers, fc6
and fc7, as the head of each region. Their dropout is `ModelConfig.dropout`, 0.5 as published.
"""

from pnn_core.parts.networks.plain import PlainNetwork
from pnn_core.parts.task_names import CLASSIFICATION, DETECTION

NETWORK = PlainNetwork(
    stages=((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)),
    hidden=(4096, 4096),
    pooled_side=7,
    smallest_image=224,
    tasks=frozenset({CLASSIFICATION, DETECTION}),
)
