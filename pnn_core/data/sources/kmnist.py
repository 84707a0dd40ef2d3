"""Kuzushiji-MNIST: ten hiragana of old Japanese books.

Source: T. Clanuwat et al., "Deep learning for classical Japanese literature", 2018,
arXiv:1812.01718.
"""

from pnn_core.data.idx_images import IdxImages

DATASET = IdxImages(
    name="kmnist",
    torchvision_class="KMNIST",
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
).dataset("70,000 handwritten hiragana of 28x28, downloaded when absent")
