"""Measurements of a network and its training."""

from dataclasses import dataclass

from pnn_core.config.trial import TrialConfig


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs of a network.

    Attributes:
        learnable_params: Numbers that the optimiser changes: the paper's axis.
        mask_values: Fixed random numbers (masks, frozen and binary filters) that a checkpoint must
            hold or regrow from a seed.
        macs: Multiply-accumulates of convolutions and linear layers for one image.
    """

    learnable_params: int
    mask_values: int
    macs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochResult:
    """Results of one epoch of training.

    Attributes:
        epoch: Number of the epoch, from 1.
        train_loss: Mean cross-entropy over the epoch's steps, in nats.
        val_loss: Mean cross-entropy over the validation images, in nats.
        val_accuracy: Share of the validation images that were right, in [0, 1].
        train_seconds: Wall time of the training steps.
        val_seconds: Wall time of the evaluation.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    train_seconds: float
    val_seconds: float


@dataclass(frozen=True, kw_only=True)
class ConfirmResult:
    """Results of a confirmation run: trained on train and validation images, then tested.

    Attributes:
        train_loss: Mean cross-entropy over the last epoch's steps, in nats.
        test_accuracy: Share of the test images that were right after the last epoch, in [0, 1].
        published_test_accuracy: The published code's figure on the same images (see
            `pnn_core.training.published_accuracy`), to show how far it lies above the other.
        train_seconds: Wall time of all training steps.
    """

    train_loss: float
    test_accuracy: float
    published_test_accuracy: float
    train_seconds: float


@dataclass(frozen=True, kw_only=True)
class GpuNeed:
    """GPU memory that the largest of several training runs takes.

    Attributes:
        gpu: Name of the GPU.
        largest: Training run that takes most.
        needed_bytes: Peak that was measured, with what CUDA takes for a process; None where the
            whole GPU is too small.
        free_bytes: Free memory of the GPU, before anything ran there.
        total_bytes: Memory of the GPU.
    """

    gpu: str
    largest: TrialConfig
    needed_bytes: int | None
    free_bytes: int
    total_bytes: int
