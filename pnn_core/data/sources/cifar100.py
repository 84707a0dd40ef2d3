"""CIFAR-100, by its 100 fine classes."""

from pnn_core.data.cifar_batches import CifarBatches

DATASET = CifarBatches(
    name="cifar100",
    torchvision_class="CIFAR100",
    folder="cifar-100-python",
    archive="cifar-100-python.tar.gz",
    classes=100,
).dataset("60,000 colour photographs of 32x32 in 100 classes, downloaded when absent")
