"""CIFAR-10."""

from pnn_core.data.cifar_batches import CifarBatches

DATASET = CifarBatches(
    name="cifar10",
    torchvision_class="CIFAR10",
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    classes=10,
).dataset("60,000 colour photographs of 32x32, downloaded when absent")
