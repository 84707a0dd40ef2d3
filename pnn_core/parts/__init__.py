"""Registries of a network's parts: all that the platform must know of each, in one file each.

- `SpatialLayer`, `LayerPlace`: what a layer of one's own is made of, and where it stands
- `own_code`, `own_parts`: code of one's own, and parts in it
- `layers`: spatial layers, `SPATIAL_LAYERS`
- `networks`: architectures, `NETWORKS`
- `network_libraries`: libraries whose networks can be named
- `stems`: first layers, `STEMS`
- `dataset_names`: names of the data sets, whose entries are in `pnn_core.data.sources`
- `feature_map`, `noise_masks`, `detector_shape`: shapes that entries speak of
- `task_names`: what networks are built for
- `palette`: colours of pictures
- `entries`: entries of a registry, by their names

A new part is a new file and its name in one registry; `tests/pnn_core/parts` walks each registry.
Entries need the standard library alone, so that search spaces, results and pictures can read them:
what an entry builds, it imports when it builds it.
"""

from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer

__all__ = ["LayerPlace", "SpatialLayer"]
