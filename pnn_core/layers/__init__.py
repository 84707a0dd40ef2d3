"""Layers as torch modules.

- `spatial`: the layer that stands in the place of the 3×3 convolution
- `perturbation`: noise masks, ReLU and a 1×1 combination (paper Eq. 2)
- `local_binary`: fixed binary filters in their place (paper Eq. 1)
- `masks`: random masks and filters
- `pointwise`: the learned 1×1 combination
- `stem`: the first layer
- `classifier`: the last layers
"""
