"""Training: one `EpochResult` per epoch."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn import functional

from pnn_core.augment import crop_and_flip, draw_crops_and_flips
from pnn_core.batches import DeviceImages
from pnn_core.config import EpochResult, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device import default_device
from pnn_core.model import build_model
from pnn_core.optim import make_optimizer, make_schedule
from pnn_core.seeds import stream_seed

EVALUATION_BATCH = 500
"""Images per evaluation step; without gradients memory allows more than in training."""


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite; nothing after it would mean anything."""


def train(
    config: TrialConfig, data: TrainingData, device: torch.device | None = None
) -> Iterator[EpochResult]:
    """Train a network and report each epoch as it ends.

    The same config, data and device give the same numbers.

    Args:
        config: The whole training run.
        data: Training and validation images, of the shape that `config.model.dataset` says.
        device: The first GPU where there is one, else the CPU.

    Raises:
        ValueError: The data has another shape than the config says.
        NonFiniteLossError: Names the epoch, the step and the value.
    """
    run = TrainingRun(config, data, device or default_device())
    for _ in range(config.epochs):
        yield run.next_epoch()


class TrainingRun:
    """A training run that stands between two epochs.

    Args:
        config: The whole training run.
        data: Training and validation images.
        device: Where to train. On a GPU: images resident there, bf16 autocast.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(self, config: TrialConfig, data: TrainingData, device: torch.device) -> None:
        if data.shape != config.model.dataset:
            raise ValueError(
                f"data is {data.shape}, but the network expects {config.model.dataset}"
            )
        self.config = config
        self.device = device
        self.epoch = 0
        self._augment = data.augment
        self._train = DeviceImages(data.train, data.mean, data.std, device)
        self._validation = DeviceImages(data.validation, data.mean, data.std, device)
        self._order = torch.Generator().manual_seed(stream_seed(config.seed, "data_order"))
        self.model = build_model(config.model, config.seed).to(device)
        self.model.to(memory_format=torch.channels_last)
        self._optimizer = make_optimizer(self.model, config.optim)
        self._schedule = make_schedule(self._optimizer, config.epochs)

    def next_epoch(self) -> EpochResult:
        """Train one epoch, then evaluate on the validation images.

        Raises:
            NonFiniteLossError: Names the epoch, the step and the value.
        """
        self.epoch += 1
        started = time.perf_counter()
        train_loss = self._train_epoch()
        self._schedule.step()
        trained = time.perf_counter()
        val_loss, val_accuracy = self._evaluate()
        return EpochResult(
            epoch=self.epoch,
            train_loss=train_loss,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            train_seconds=trained - started,
            val_seconds=time.perf_counter() - trained,
        )

    def _train_epoch(self) -> float:
        """Mean loss over the epoch's steps.

        An incomplete last batch is left out, unless it is the only one: batch normalisation of a
        handful of images would be noise, and the next epoch's order brings those images back.
        """
        self.model.train()
        count = len(self._train)
        order = torch.randperm(count, generator=self._order).to(self.device)
        draws = draw_crops_and_flips(count, self._order, self.device) if self._augment else None
        size = min(self.config.optim.batch_size, count)
        losses = []
        for start in range(0, count - size + 1, size):
            batch = slice(start, start + size)
            images, labels = self._train.raw(order[batch])
            if draws is not None:
                images = crop_and_flip(images, draws[batch])
            with self._precision():
                logits = self.model(self._train.normalise(images))
                loss = functional.cross_entropy(logits, labels)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            losses.append(loss.detach())
        return self._mean_finite(torch.stack(losses).tolist())

    def _mean_finite(self, losses: list[float]) -> float:
        """The mean; read once an epoch, because each read of a GPU's number waits for the GPU."""
        for step, loss in enumerate(losses, start=1):
            if not math.isfinite(loss):
                raise NonFiniteLossError(
                    f"training loss is {loss} at step {step} of epoch {self.epoch}"
                )
        return math.fsum(losses) / len(losses)

    @torch.inference_mode()
    def _evaluate(self) -> tuple[float, float]:
        """Mean loss and accuracy (correct over total) on the validation images."""
        self.model.eval()
        count = len(self._validation)
        loss = torch.zeros((), device=self.device, dtype=torch.float64)
        correct = torch.zeros((), device=self.device, dtype=torch.int64)
        for start in range(0, count, EVALUATION_BATCH):
            images, labels = self._validation.raw(slice(start, start + EVALUATION_BATCH))
            with self._precision():
                logits = self.model(self._validation.normalise(images))
            loss += functional.cross_entropy(logits.float(), labels, reduction="sum")
            correct += (logits.argmax(dim=1) == labels).sum()
        mean = float(loss) / count
        if not math.isfinite(mean):
            raise NonFiniteLossError(f"validation loss is {mean} after epoch {self.epoch}")
        return mean, int(correct) / count

    def _precision(self) -> AbstractContextManager[None]:
        if self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()
