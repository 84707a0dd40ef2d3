"""Perturbative Neural Networks: the models and their training, with torch alone.

Packages, from the lowest to the highest; each imports only those above it in this list:

- `parts`: registries of spatial layers, networks and stems: all there is to know of each (no torch)
- `config`: `TrialConfig` and its parts, epoch results, checks (no torch)
- `architecture`: parameter counts in closed form, networks of equal size (no torch)
- `recipes`: the three published code bases as training runs (no torch)
- `theory`: the paper's Sections 3.3 to 3.5 as code (NumPy and SciPy; torch for gradients alone)
- `rng`: seeds, generators, and masks drawn again from their seed
- `fused`: CPU operators that apply a layer and what follows it in few passes over memory
- `data`: data sets with a fixed train/validation split; the test set opens for confirmation alone
- `device`: the device that trains, its memory and its precision
- `layers`: noise masks, the perturbation layer (paper Eq. 2), its controls, stems, the classifier
- `dataloader`: batches of images from memory or from files
- `models`: the networks, `build_model(config, seeds)`, and their costs
- `training`: epochs of training, evaluation, checkpoints
- `replicates`: runs that differ in their seeds alone, trained as one network

Nothing is imported here, so that `pnn_core.config` costs no torch import.
"""
