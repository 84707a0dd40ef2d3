"""Stems: the first layer of a network.

- `stem`: `Stem`, entry with all that the platform must know
- `convolution`: parts shared by the stems of one convolution
- one module for each entry of `STEMS`, under the stem's name
"""

from pnn_core.parts.entries import Registry, load_entries
from pnn_core.parts.stems.stem import Stem

STEMS: Registry[Stem] = load_entries(
    __name__,
    "STEM",
    "conv3x3",
    "conv3x3_frozen",
    "conv7x7",
    "perturbation",
    "conv5x5",
)
"""Every stem by its name, the value of `StemConfig.stem`."""

STEM_SETTINGS = frozenset[str]().union(*(stem.uses for stem in STEMS.values()))
"""Settings of `StemConfig` that some stem uses."""
