"""A network that learns, epoch by epoch, and can be evaluated in between."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch.nn import functional

from pnn_core.batches import BatchSource, DeviceImages, Normalise
from pnn_core.config import TrialConfig
from pnn_core.data import Images, ImageTraits, LabelledImages
from pnn_core.decoding import Decoder, decoding_workers
from pnn_core.file_batches import FileBatches
from pnn_core.model import build_model
from pnn_core.optim import make_optimizer, make_schedule
from pnn_core.seeds import Seeds, spawn

_EVALUATION_PIXELS = 500 * 96 * 96
_EVALUATION_BATCH = 500
"""Pixels and images per evaluation step; without gradients memory allows more than in training."""


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite; nothing after it would mean anything."""


@dataclass(frozen=True, kw_only=True)
class TrainedEpoch:
    """What training for one epoch gave.

    Attributes:
        train_loss: Mean cross-entropy over the epoch's steps, in nats.
        seconds: Wall time.
    """

    train_loss: float
    seconds: float


# Tensors have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """How a network does on images.

    Attributes:
        loss: Mean cross-entropy, in nats; not finite where the network's outputs are not.
        accuracy: Correct over total, in [0, 1].
        correct: Whether each image is classified correctly, in the order of the data set: bool,
            [N], on the CPU.
    """

    loss: float
    accuracy: float
    correct: torch.Tensor


class Learner:
    """A network, its optimiser and schedule, and the images that it learns from.

    Args:
        config: The whole training run.
        traits: The images' shape, normalisation and augmentation.
        images: What to learn from.
        device: Where to train. On a GPU: images in memory are resident there, bf16 autocast.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(
        self, config: TrialConfig, traits: ImageTraits, images: Images, device: torch.device
    ) -> None:
        if traits.shape != config.model.dataset:
            raise ValueError(
                f"data is {traits.shape}, but the network expects {config.model.dataset}"
            )
        self.config = config
        self.device = device
        self.epoch = 0
        self._normalise = Normalise(traits.mean, traits.std, device)
        self._decoder = Decoder(decoding_workers(device))
        self._train = self._source(images, augment=traits.augment)
        seeds = Seeds.of(config)
        self._order = torch.Generator().manual_seed(seeds.stream_seed("data_order"))
        self._dropped = spawn(self._order)
        self.model = build_model(config.model, seeds).to(device)
        self.model.to(memory_format=torch.channels_last)
        self._optimizer = make_optimizer(self.model, config.optim)
        self._schedule = make_schedule(self._optimizer, config.optim.schedule, config.epochs)

    def source(self, images: Images) -> BatchSource:
        """Prepare images for `evaluate`, as this network expects them."""
        return self._source(images, augment=False)

    def train_epoch(self) -> TrainedEpoch:
        """Train one epoch.

        Raises:
            NonFiniteLossError: Names the epoch, the step and the value.
            DatasetError: Names an image that is decoded in training and is damaged.
        """
        self.epoch += 1
        started = time.perf_counter()
        with self._seeded_dropout():
            train_loss = self._mean_finite(torch.stack(self._train_steps()).tolist())
        self._schedule.step()
        return TrainedEpoch(train_loss=train_loss, seconds=time.perf_counter() - started)

    def _train_steps(self) -> list[torch.Tensor]:
        """Train one epoch; the loss of each step, on the device."""
        self.model.train()
        losses = []
        for images, labels in self._train.shuffled(self.config.optim.batch_size, self._order):
            with self._precision():
                logits = self.model(images)
                loss = functional.cross_entropy(logits, labels)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            losses.append(loss.detach())
        return losses

    @torch.inference_mode()
    def evaluate(self, source: BatchSource) -> Evaluation:
        """Classify every image once.

        Args:
            source: From `self.source(images)`; may be evaluated any number of times.

        Raises:
            DatasetError: Names an image that is decoded now and is damaged.
        """
        self.model.eval()
        data = self.config.model.dataset
        batch_size = min(_EVALUATION_BATCH, _EVALUATION_PIXELS // (data.height * data.width))
        loss = torch.zeros((), device=self.device, dtype=torch.float64)
        correct = []
        for images, labels in source.in_order(max(batch_size, 1)):
            with self._precision():
                logits = self.model(images)
            loss += functional.cross_entropy(logits.float(), labels, reduction="sum")
            correct.append(logits.argmax(dim=1) == labels)
        flags = torch.cat(correct).cpu()
        return Evaluation(
            loss=float(loss) / len(source), accuracy=int(flags.sum()) / len(flags), correct=flags
        )

    def _source(self, images: Images, *, augment: bool) -> BatchSource:
        if isinstance(images, LabelledImages):
            return DeviceImages(images, self._normalise, augment=augment)
        return FileBatches(images, self._normalise, self._decoder, augment=augment)

    def _mean_finite(self, losses: list[float]) -> float:
        """The mean; read once an epoch, because each read of a GPU's number waits for the GPU."""
        for step, loss in enumerate(losses, start=1):
            if not math.isfinite(loss):
                raise NonFiniteLossError(
                    f"training loss is {loss} at step {step} of epoch {self.epoch}"
                )
        return math.fsum(losses) / len(losses)

    @contextmanager
    def _seeded_dropout(self) -> Iterator[None]:
        """Dropout draws from torch's global generators: seed them, then leave them as they were."""
        seed = int(torch.randint(2**63 - 1, (), generator=self._dropped))
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    def _precision(self) -> AbstractContextManager[None]:
        if self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()
