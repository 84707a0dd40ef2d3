"""A network that learns, epoch by epoch, and can be evaluated in between."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from pnn_core.batches import BatchSource, DeviceImages, Normalise, full_batches
from pnn_core.checkpoint import snapshot
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
class _BegunEpoch:
    """An epoch of which some steps are done, perhaps none.

    Attributes:
        dropout_seed: What the epoch seeds torch's global generators with, which dropout draws from.
        generators: Their states after the last step done, by type of device, as bytes on the CPU;
            none before the first.
        losses: Of each step done, on the device that trains.
        seconds: Wall time of the steps done.
    """

    dropout_seed: int
    generators: Mapping[str, torch.Tensor] = field(default_factory=dict)
    losses: tuple[torch.Tensor, ...] = ()
    seconds: float = 0.0


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


def never() -> bool:
    """Do not pause."""
    return False


class Learner:
    """A network, its optimiser and schedule, and the images that it learns from.

    Args:
        config: The whole training run.
        traits: The images' shape, normalisation and augmentation.
        images: What to learn from.
        device: Where to train. On a GPU: images in memory are resident there, bf16 autocast.

    Attributes:
        model: The network.
        epoch: Number of epochs done; one that is paused does not count.

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
        self._steps = len(full_batches(len(self._train), config.optim.batch_size))
        seeds = Seeds.of(config)
        self._order = torch.Generator().manual_seed(seeds.stream_seed("data_order"))
        self._dropped = spawn(self._order)
        self._begun: _BegunEpoch | None = None
        self.model = build_model(config.model, seeds).to(device)
        self.model.to(memory_format=torch.channels_last)
        self._optimizer = make_optimizer(self.model, config.optim)
        self._schedule = make_schedule(self._optimizer, config.optim.schedule, config.epochs)

    def source(self, images: Images) -> BatchSource:
        """Prepare images for `evaluate`, as this network expects them."""
        return self._source(images, augment=False)

    def train_epoch(self, pause: Callable[[], bool] = never) -> TrainedEpoch | None:
        """Train one epoch, or go on in the one that was paused.

        However often an epoch is paused, its numbers are the same.

        Args:
            pause: Asked after each step but the epoch's last.

        Returns:
            None if `pause` said yes: the next call goes on, also in another process after
            `load_state_dict`.

        Raises:
            NonFiniteLossError: Names the epoch, the step and the value.
            DatasetError: Names an image that is decoded in training and is damaged.
        """
        started = time.perf_counter()
        begun = self._begun or _BegunEpoch(dropout_seed=self._draw_dropout_seed())
        order = self._order.get_state()
        with self._dropout_drawn_as(begun):
            losses = [*begun.losses, *self._train_steps(len(begun.losses), pause)]
            generators = self._generator_states()
        if len(losses) < self._steps:
            self._order.set_state(order)  # the next call draws this epoch's order again
            self._begun = _BegunEpoch(
                dropout_seed=begun.dropout_seed,
                generators=generators,
                losses=tuple(losses),
                seconds=begun.seconds + time.perf_counter() - started,
            )
            return None
        train_loss = self._mean_finite(torch.stack(losses).tolist())
        self._begun = None
        self.epoch += 1
        self._schedule.step()
        return TrainedEpoch(
            train_loss=train_loss, seconds=begun.seconds + time.perf_counter() - started
        )

    def state_dict(self) -> dict[str, Any]:
        """All that changes in training, copied to the CPU, as tensors and plain values."""
        schedule = self._schedule.state_dict()
        # Made from the config anew; its type is not among those that torch loads as plain values.
        schedule.pop("milestones")
        return snapshot(
            {
                "model": self.model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "schedule": schedule,
                "epoch": self.epoch,
                "order": self._order.get_state(),
                "dropout_seeds": self._dropped.get_state(),
                "begun": None if self._begun is None else _begun_state(self._begun),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another learner of the same config, data and kind of device was.

        On another kind of device, too, but with other roundings and other draws of dropout.

        Args:
            state: From `state_dict`, its tensors on any device; they are copied.
        """
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(deepcopy(state["optimizer"]))
        self._schedule.load_state_dict(deepcopy(state["schedule"]))
        self.epoch = state["epoch"]
        self._order.set_state(state["order"].cpu())
        self._dropped.set_state(state["dropout_seeds"].cpu())
        begun = state["begun"]
        self._begun = None if begun is None else _begun_epoch(begun, self.device)

    def _train_steps(self, first: int, pause: Callable[[], bool]) -> list[torch.Tensor]:
        """Train from a step, counted from 0, to the epoch's end or a pause.

        Returns:
            The loss of each step, on the device.
        """
        self.model.train()
        batch_size = self.config.optim.batch_size
        losses: list[torch.Tensor] = []
        for images, labels in self._train.shuffled(batch_size, self._order, first_batch=first):
            with self._precision():
                logits = self.model(images)
                loss = functional.cross_entropy(logits, labels)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            losses.append(loss.detach())
            if first + len(losses) < self._steps and pause():
                break
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
                    f"training loss is {loss} at step {step} of epoch {self.epoch + 1}"
                )
        return math.fsum(losses) / len(losses)

    def _draw_dropout_seed(self) -> int:
        return int(torch.randint(2**63 - 1, (), generator=self._dropped))

    @contextmanager
    def _dropout_drawn_as(self, begun: _BegunEpoch) -> Iterator[None]:
        """Dropout draws from torch's global generators: set them, then leave them as they were."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(begun.dropout_seed)
            for kind, state in begun.generators.items():
                if kind == "cpu":
                    torch.set_rng_state(state)
                elif kind == self.device.type:
                    torch.cuda.set_rng_state(state, self.device)
            yield

    def _generator_states(self) -> dict[str, torch.Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def _precision(self) -> AbstractContextManager[None]:
        if self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()


def _begun_state(begun: _BegunEpoch) -> dict[str, Any]:
    return {
        "dropout_seed": begun.dropout_seed,
        "generators": begun.generators,
        "losses": torch.stack(begun.losses),
        "seconds": begun.seconds,
    }


def _begun_epoch(state: Mapping[str, Any], device: torch.device) -> _BegunEpoch:
    return _BegunEpoch(
        dropout_seed=state["dropout_seed"],
        generators=snapshot(state["generators"]),
        losses=state["losses"].to(device, copy=True).unbind(),
        seconds=state["seconds"],
    )
