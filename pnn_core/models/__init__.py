"""Networks as torch modules.

- `build`: from a `ModelConfig` and seeds to a network
- `resnet`: residual networks
- `vgg_lenet`: networks without shortcuts
- `costs`: parameters, mask values and multiply-accumulates of a network
"""
