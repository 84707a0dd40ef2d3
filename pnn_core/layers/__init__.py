"""Layers as torch modules; `pnn_core.parts` says what else there is to know of each.

- `spatial`: a spatial layer with the pool, BN and ReLU behind it
- `perturbation`: noise masks, ReLU and a 1×1 combination (paper Eq. 2)
- `local_binary`: fixed binary filters in their place (paper Eq. 1)
- `masks`: random masks and filters
- `pointwise`: the learned 1×1 combination
- `stem`: the first layer
- `initialisation`: initial weights of convolutions
- `classifier`: the last layers
- `leaf_module`: modules with tensors of their own
"""
