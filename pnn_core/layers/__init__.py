"""Layers as torch modules; `pnn_core.parts` says what else there is to know of each.

- `spatial`: a spatial layer with the pool, BN and ReLU behind it
- `map_layer`: maps of each channel, ReLU and a 1×1 combination of them (paper Eq. 2)
- `perturbation_layer`: that layer with noise masks, by itself
- `map_source`: what makes the maps: `perturbation`, fixed noise masks; `fresh_masks`, new ones at
  every training step; `noise_off`, none; `shift`, nine fixed shifts; `spatial_maps`, depthwise
  filters and averages
- `local_binary`: fixed binary filters in their place (paper Eq. 1)
- `masks`: random masks and filters
- `pointwise`: the learned 1×1 combination
- `stem`: the first layer
- `initialisation`: initial weights of convolutions
- `classifier`: the last layers
- `leaf_module`: modules with tensors of their own
"""
