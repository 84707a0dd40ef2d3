"""Table 7: detection on PASCAL VOC 2007."""

from search_spaces.detection import RECIPE
from search_spaces.space import SearchSpace

MASK_COUNT = 64
"""Channels of the first stage, with a mask each: the published widths of both networks."""

SPACE = SearchSpace(
    name="paper_table7",
    summary="Faster R-CNN with VGG-16 and ResNet-50 (Table 7: PASCAL VOC 2007)",
    variants={
        f"{title} {words}": {
            "network": network,
            "stem": stem,
            "dropout": dropout,
            "layer": layer,
            **noise,
        }
        for network, stem, dropout, title in (
            ("vgg16", "conv3x3", 0.5, "VGG-16"),
            ("resnet50", "conv7x7", 0.0, "ResNet-50"),
        )
        for layer, words, noise in (
            ("perturbation", "noise masks", {"noise_level": 0.1}),
            ("conv3x3", "convolutions", {}),
        )
    },
    fixed={**RECIPE, "mask_count": MASK_COUNT},
    is_grid=True,
)
"""Both networks of the table with noise masks, and with convolutions.

The paper compares with a ResNet-101 of convolutions; here a ResNet-50 stands there. It is silent on
masks and noise: one mask a channel at level 0.1, as in its code. Its networks start from weights
that were trained on ImageNet, and these from scratch. Published are six epochs (`--epochs 6`) and a
shorter edge of 600 pixels, which photographs of 4:3 have on `--canvas 800`.
"""
