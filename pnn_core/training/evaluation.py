"""Accuracy and loss of a network, or of several batched into one, on images."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from pnn_core.config import DatasetShape
from pnn_core.dataloader.batches import OrderedImages
from pnn_core.device.precision import autocast

_EVALUATION_PIXELS = 500 * 96 * 96
EVALUATION_BATCH = 500
"""Pixels and images per evaluation step; without gradients memory allows more than in training."""


# Tensors have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class ClassEvaluation:
    """Loss and accuracy of a network on images.

    Attributes:
        loss: Mean cross-entropy, in nats; not finite if the network's outputs are not.
        accuracy: Correct over total, in [0, 1].
        correct: True for each image that is classified correctly, in the order of the data set:
            bool, [N], on the CPU.
    """

    loss: float
    accuracy: float
    correct: torch.Tensor

    def epoch_metrics(self) -> dict[str, float]:
        """Return loss and accuracy as fields of `EpochResult`."""
        return {"val_loss": self.loss, "val_accuracy": self.accuracy}


@torch.inference_mode()
def evaluate(
    network: nn.Module,
    source: OrderedImages,
    data: DatasetShape,
    device: torch.device,
    *,
    replicates: int = 1,
    float32: bool = False,
) -> list[ClassEvaluation]:
    """Classify every image once.

    Args:
        network: Maps `[batch, replicates * channels, height, width]` to logits
            `[batch, replicates * classes]`; it is put into evaluation mode.
        source: The images.
        data: Shape of the images.
        device: Device that computes.
        replicates: Number of networks batched into it.
        float32: True for float32 on a GPU, in the place of bf16 autocast.

    Returns:
        The evaluation of each replicate.

    Raises:
        DatasetError: Names an image that is decoded now and is damaged.
    """
    network.eval()
    losses, correct = [], []
    for images, labels in source.in_order(_batch_size(data, replicates)):
        with autocast(device, float32=float32):
            logits = network(images.repeat(1, replicates, 1, 1) if replicates > 1 else images)
        each = logits.float().unflatten(1, (replicates, data.classes)).unbind(1)
        sums = [functional.cross_entropy(own, labels, reduction="sum") for own in each]
        losses.append(torch.stack(sums).double())
        correct.append(torch.stack([own.argmax(dim=1) == labels for own in each], dim=1))
    totals = torch.stack(losses).sum(dim=0).tolist()
    flags = torch.cat(correct).cpu()
    return [
        ClassEvaluation(loss=total / len(own), accuracy=int(own.sum()) / len(own), correct=own)
        for total, own in zip(totals, flags.unbind(1), strict=True)
    ]


def _batch_size(data: DatasetShape, replicates: int) -> int:
    images = min(EVALUATION_BATCH, _EVALUATION_PIXELS // (data.height * data.width))
    return max(images // replicates, 1)
