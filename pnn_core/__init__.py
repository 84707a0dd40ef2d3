"""Perturbative Neural Networks: the models and their training, with torch alone.

Modules, in the order in which a reader needs them:

- `config`: the words everyone shares, `TrialConfig` and its parts (no torch)
- `masks`, `perturbation`: the noise masks and the perturbation layer (paper Eq. 2)
- `local_binary`: fixed binary filters in its place (paper Eq. 1)
- `combination`: the learned 1×1 of both
- `spatial_layer`: any layer in the place of a 3×3 convolution, and the pool, BN and ReLU behind it
- `stem`, `classifier`: what stands before and behind
- `feature_map`, `architecture`: the networks as lists of shapes (no torch)
- `resnet`, `plain_network`: the networks
- `seeds`, `model`: random streams, and `build_model(config, seeds)`
- `costs`: learnable parameters, mask values and multiply-accumulates of a network
- `size`, `controls`: learnable parameters in closed form, and networks of equal size (no torch)
- `data`: data sets with a fixed train/validation split, and a test set that only confirming opens
- `batches`, `file_batches`, `decoding`, `augment`: images from memory or from files, batch by batch
- `optim`: optimisers and schedules
- `learner`: a network that learns, epoch by epoch, and can be evaluated in between
- `checkpoint`: what it has come to as bytes, and back
- `train`: `train(config, data)`, one `EpochResult` per epoch
- `confirm`, `published_protocol`: train on everything and test; the published code's accuracy
- `recipes`: the three published code bases as training runs (no torch)
- `theory`: the paper's Sections 3.3 and 3.4 as code (NumPy and SciPy, no torch)

Nothing is imported here, so that `pnn_core.config` costs no torch import.
"""
