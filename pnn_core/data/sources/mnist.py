"""MNIST.

Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.
"""

from pnn_core.data.idx_images import IdxImages

DATASET = IdxImages(
    name="mnist",
    torchvision_class="MNIST",
    classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
).dataset("70,000 handwritten digits of 28x28, downloaded when absent")
