"""Perturbative Neural Networks: the models and their training, with torch alone.

Modules, in the order in which a reader needs them:

- `config`: the words everyone shares, `TrialConfig` and its parts (no torch)
- `masks`, `perturbation`: the noise masks and the perturbation layer (paper Eq. 2)
- `local_binary`: fixed binary filters in its place (paper Eq. 1)
- `combination`: the learned 1×1 of both
- `spatial_layer`: any layer in the place of a 3×3 convolution, and the pool, BN and ReLU behind it
- `stem`, `classifier`: what stands before and behind
- `fused`: both, and what follows them, in few passes over memory on a CPU
- `feature_map`, `architecture`: the networks as lists of shapes (no torch)
- `resnet`, `plain_network`: the networks
- `seeds`, `model`: random streams, and `build_model(config, seeds)`
- `costs`: learnable parameters, mask values and multiply-accumulates of a network
- `size`, `controls`: learnable parameters in closed form, and networks of equal size (no torch)
- `data`: data sets with a fixed train/validation split, and a test set that only confirming opens
- `batches`, `file_batches`, `decoding`, `augment`: images from memory or from files, batch by batch
- `optim`: optimisers and schedules
- `host_memory`: freed memory that is used again
- `steps`, `evaluation`, `begun_epoch`: an epoch's training steps; how a network does on images
- `trainer`: a network that learns, epoch by epoch, and can be evaluated in between
- `evaluated_run`: one that is evaluated after each epoch
- `checkpoint`: what it has come to as bytes, and back
- `train`: `train(config, data)`, one `EpochResult` per epoch
- `confirm`, `published_protocol`: train on everything and test; the published code's accuracy
- `packed_modules`, `packed_state`, `pack`: runs that differ in their seeds alone, as one network
- `side_by_side`: which runs are trained at once
- `recipes`: the three published code bases as training runs (no torch)
- `theory`: the paper's Sections 3.3 and 3.4 as code (NumPy and SciPy, no torch)

Nothing is imported here, so that `pnn_core.config` costs no torch import.
"""
