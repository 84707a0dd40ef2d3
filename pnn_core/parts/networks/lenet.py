"""LeNet-5, for small images: two layers of width p and 2p, each with a pool, and its classifier."""

from pnn_core.parts.networks.plain import PlainNetwork

NETWORK = PlainNetwork(stages=((1, 1), (2, 1)), hidden=(120, 84))
