"""VGG-16 with batch norm: 13 layers in stages of width p, 2p, 4p, 8p, 8p.

Its classifier was made for images of 224 pixels. Smaller ones get a global pool and one linear
layer, as is usual for CIFAR: the 123 million weights behind a 7×7 map would see copies of one
pixel.
"""

from pnn_core.parts.networks.plain import PlainNetwork

NETWORK = PlainNetwork(
    stages=((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)),
    hidden=(4096, 4096),
    pooled_side=7,
    smallest_image=224,
)
