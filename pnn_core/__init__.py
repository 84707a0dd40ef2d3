"""Perturbative Neural Networks: the models and their training, with torch alone.

Modules, in the order in which a reader needs them:

- `config`: the words everyone shares, `TrialConfig` and its parts (no torch)
- `masks`, `perturbation`: the noise masks and the perturbation layer (paper Eq. 2)
- `resnet`: the residual networks built from it
- `costs`: learnable parameters, mask values and multiply-accumulates of a network
- `data`: data sets as in-memory arrays with a fixed train/validation split
- `train`: `train(config, data)`, one `EpochResult` per epoch

Nothing is imported here, so that `pnn_core.config` costs no torch import.
"""
