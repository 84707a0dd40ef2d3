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

By themselves, for whoever has a network and no study: `convert` turns a network's convolutions into
another spatial layer, `PerturbationLayer` is that layer, `load_network` reads what a study trained,
`export_onnx` and `export_pt2` write it for other programs, and `train` trains one network, epoch by
epoch. They are imported when they are asked for, so that `pnn_core.config` costs no torch import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pnn_core.layers.perturbation_layer import PerturbationLayer
    from pnn_core.models.convert import Conversion, convert
    from pnn_core.models.exported_network import export_onnx, export_pt2
    from pnn_core.models.saved_network import TrainedNetwork, load_network
    from pnn_core.training.validated_run import train

__all__ = [
    "Conversion",
    "PerturbationLayer",
    "TrainedNetwork",
    "convert",
    "export_onnx",
    "export_pt2",
    "load_network",
    "train",
]

_HOMES = {
    "PerturbationLayer": "pnn_core.layers.perturbation_layer",
    "Conversion": "pnn_core.models.convert",
    "convert": "pnn_core.models.convert",
    "export_onnx": "pnn_core.models.exported_network",
    "export_pt2": "pnn_core.models.exported_network",
    "TrainedNetwork": "pnn_core.models.saved_network",
    "load_network": "pnn_core.models.saved_network",
    "train": "pnn_core.training.validated_run",
}
"""Module of each public name."""


def __getattr__(name: str) -> object:
    """Import a public name (PEP 562).

    Raises:
        AttributeError: There is none of that name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__]
