"""EMNIST, its balanced split: 47 classes of as many images each.

Letters whose capitals look like them share their class, so that eleven small ones have their own.

Source: G. Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017,
arXiv:1702.05373.
"""

from string import ascii_uppercase, digits

from pnn_core.data.idx_images import IdxImages

DATASET = IdxImages(
    name="emnist",
    torchvision_class="EMNIST",
    classes=(*digits, *ascii_uppercase, *"abdefghnqrt"),
    prefixes=("emnist-balanced-train", "emnist-balanced-test"),
    split="balanced",
    is_transposed=True,
).dataset("131,600 handwritten digits and letters of 28x28, downloaded when absent")
