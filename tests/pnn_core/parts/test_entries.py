"""Every registry holds whole entries, each in the file of its name, and reading them is cheap."""

import pkgutil
import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType

import pytest

from pnn_core.data import DATASETS, DatasetSpec, sources
from pnn_core.parts import layers, networks, stems
from pnn_core.parts.layers.spatial_layer import SpatialLayer
from pnn_core.parts.networks.network import Network
from pnn_core.parts.stems.stem import Stem

REGISTRIES: list[tuple[ModuleType, Mapping[str, object], type, set[str]]] = [
    (layers, layers.SPATIAL_LAYERS, SpatialLayer, {"spatial_layer", "map_layer", "noise_layer"}),
    (
        networks,
        networks.NETWORKS,
        Network,
        {"network", "detector_network", "residual", "plain", "converted"},
    ),
    (sources, DATASETS, DatasetSpec, set()),
    (stems, stems.STEMS, Stem, {"stem", "convolution"}),
]


@pytest.mark.parametrize(("package", "registry", "kind", "shared"), REGISTRIES)
def test_every_file_of_a_registry_is_an_entry_of_its_name(
    package: ModuleType, registry: Mapping[str, object], kind: type, shared: set[str]
) -> None:
    files = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert files - shared == set(registry)
    assert all(isinstance(entry, kind) for entry in registry.values())


def test_reading_the_registries_costs_the_standard_library_alone() -> None:
    code = (
        "import sys, pnn_core.parts.layers, pnn_core.parts.networks, pnn_core.parts.stems; "
        "from pnn_core.architecture.matched_size import control; "
        "from pnn_core.config import DatasetShape, ModelConfig; "
        "shape = DatasetShape(channels=1, height=8, width=8, classes=2); "
        "[control(ModelConfig(dataset=shape, network=network), layer) "
        "for network in pnn_core.parts.networks.NETWORKS "
        "for layer in pnn_core.parts.layers.SPATIAL_LAYERS]; "
        "sys.exit(' '.join({'torch', 'numpy', 'optuna'} & set(sys.modules)) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
