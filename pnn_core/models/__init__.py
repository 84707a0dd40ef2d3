"""Networks as torch modules.

- `build`: construction from a `ModelConfig` and seeds
- `resnet`: residual networks
- `vgg_lenet`: networks without shortcuts
- `convert`: other people's networks with another spatial layer
- `saved_network`: trained networks as files
- `exported_network`: trained networks for other programs
- `nin`: Network in Network
- `costs`: parameters, mask values and multiply-accumulates of a network
"""
