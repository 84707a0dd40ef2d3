"""A folder of one's own with objects to be detected, in PASCAL VOC's layout."""

from pnn_core.data.voc_folder import VocFolder

CANVAS = 320

DATASET = VocFolder(canvas=CANVAS).dataset(
    "your own images with objects in boxes, in the layout of PASCAL VOC"
)
