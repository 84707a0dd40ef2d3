"""Training of a network, epoch by epoch, with evaluation in between."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch

from pnn_core.config import COMPILED, DETECTION, TrialConfig
from pnn_core.data import Images, ImageTraits
from pnn_core.data.augmentation import Augmentation, chosen_augmentation
from pnn_core.data.normalisation import chosen_statistics
from pnn_core.dataloader.batches import BatchSource, Normalise, OrderedImages, full_batches
from pnn_core.dataloader.decoding_workers import Decoder, decoding_worker_count
from pnn_core.device.precision import LEAST_HALF_LEVEL, needs_float32
from pnn_core.fused.operators import arithmetic_on
from pnn_core.models.build import InitialWeights, build_model
from pnn_core.rng.generators import spawn
from pnn_core.rng.seeds import Seeds
from pnn_core.training.checkpoint import snapshot
from pnn_core.training.epoch_state import EpochState, fork_rng, generator_states, restore_generators
from pnn_core.training.optimizer import make_optimizer, make_schedule
from pnn_core.training.tasks import training_task
from pnn_core.training.tasks.task import Evaluation
from pnn_core.training.train_steps import TrainingSteps, no_pause


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite; no later number would mean anything."""


@dataclass(frozen=True, kw_only=True)
class TrainedEpoch:
    """Measurements of one epoch of training.

    Attributes:
        train_loss: Mean loss over the epoch's steps, in nats.
        seconds: Wall time; for replicates trained at once, an equal share of it.
    """

    train_loss: float
    seconds: float


class Trainer:
    """A network, its optimiser and schedule, and the images that it learns from.

    Args:
        config: The whole training run.
        traits: The images' shape, normalisation and augmentation.
        images: Training images.
        device: Device that trains. On a GPU: images in memory are resident there, training steps
            are recorded, in long runs those of a compiled network, bf16 autocast, but float32 at
            noise levels that bf16 would round away.

    Attributes:
        model: The network.
        optimizer: Optimiser of its learnable parameters.
        epoch: Number of epochs done; a paused one does not count.
        steps: Number of training steps in an epoch.
        training_images: Source of training batches.
        order_generator: Generator of the images' order, crops and flips.
        float32: True for float32 on a GPU, too.
        task: Task that it trains for.
        step_loop: Its training steps, from epoch to epoch.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(
        self, config: TrialConfig, traits: ImageTraits, images: Images, device: torch.device
    ) -> None:
        shape = config.model.dataset
        given = traits.shape
        if given.task == shape.task == DETECTION:
            # Images of any size are scaled to the canvas of each run, and padded as it says.
            given = replace(given.on_canvas(shape.height), padding=shape.padding)
        if given != shape:
            raise ValueError(f"data is {traits.shape}, but the network expects {shape}")
        self.config = config
        self.task = training_task(config.model.dataset)
        self.device = device
        self.epoch = 0
        mean, std = chosen_statistics(config.normalisation, (traits.mean, traits.std))
        self._normalise = Normalise(mean, std, device)
        self._decoder = Decoder(decoding_worker_count(device))
        augmentation = chosen_augmentation(config.augment, traits.shape, published=traits.augment)
        self.training_images = self._source(images, augmentation)
        self.steps = len(full_batches(len(self.training_images), config.optim.batch_size))
        seeds = Seeds.of(config)
        self.order_generator = torch.Generator().manual_seed(seeds.generator_seed("data_order"))
        self._dropout_seed_generator = spawn(self.order_generator)
        self._paused: EpochState | None = None
        self.model = build_model(config.model, seeds, _initial_weights(config)).to(device)
        self.model.to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.model, config.optim)
        self._schedule = make_schedule(self.optimizer, config.optim.schedule, config.epochs)
        self.float32 = needs_float32(config.model)
        self.step_loop = TrainingSteps(
            self.model,
            self.optimizer,
            self.task.loss,
            device,
            float32=self.float32,
        )

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Sentences on what a GPU's fast path was left out for, and why; none on a CPU."""
        return tuple(self._fallbacks())

    def train_plainly(self, reason: str) -> None:
        """Record no training steps from here on.

        Args:
            reason: Reason to tell; empty changes nothing.
        """
        self.step_loop.failure = self.step_loop.failure or reason

    def _fallbacks(self) -> Iterator[str]:
        if self.float32 and self.device.type == "cuda":
            level = self.config.model.mask.noise_level
            yield (
                f"trained in float32: bf16 rounds away much of noise at level {level:g}, below "
                f"{LEAST_HALF_LEVEL}"
            )
        if self.step_loop.failure:
            yield f"training steps were not recorded as a CUDA graph: {self.step_loop.failure}"
        if self.step_loop.not_compiled:
            yield f"the network was not compiled: {self.step_loop.not_compiled}"

    def source(self, images: Images) -> BatchSource:
        """Prepare images for `evaluate`, as this network expects them."""
        return self._source(images, None)

    @property
    def black(self) -> torch.Tensor:
        """Normalised value of a black pixel, `[channels, 1, 1]`."""
        return self._normalise.black

    def train_epoch(self, pause: Callable[[], bool] = no_pause) -> TrainedEpoch | None:
        """Train one epoch, or the rest of the one that was paused.

        The numbers are the same however often an epoch is paused.

        Args:
            pause: Asked after each step but the epoch's last; True pauses the epoch.

        Returns:
            None if the epoch was paused: the next call trains its rest, also in another process
            after `load_state_dict`.

        Raises:
            NonFiniteLossError: Names the epoch, the step, the value and the seed.
            CaptureError: Steps could not be recorded on a GPU, and this process is of no more use.
            DatasetError: Names an image that is decoded in training and is damaged.
        """
        started = time.perf_counter()
        epoch_state = self.begin_epoch()
        order = self.order_generator.get_state()
        with fork_rng(self.device):
            restore_generators(epoch_state, self.device)
            losses = self._train_steps(len(epoch_state.losses), pause)
            generators = generator_states(self.device)
        epoch_state = epoch_state.advanced(losses, generators, time.perf_counter() - started)
        if len(epoch_state.losses) == self.steps:
            return self.end_epoch(epoch_state.losses, epoch_state.seconds)
        self.order_generator.set_state(order)
        self.pause_epoch(epoch_state)
        return None

    @property
    def later_steps(self) -> int:
        """Number of training steps of the epochs after the one under way."""
        return max(self.config.epochs - self.epoch - 1, 0) * self.steps

    @property
    def arithmetic(self) -> str:
        """Arithmetic that trained it so far, in this process."""
        return COMPILED if self.step_loop.was_compiled else arithmetic_on(self.device)

    @property
    def paused_steps(self) -> int:
        """Number of training steps done in a paused epoch; 0 if none is paused."""
        return 0 if self._paused is None else len(self._paused.losses)

    def begin_epoch(self) -> EpochState:
        """Return the state of the paused epoch, or of a new one."""
        return self._paused or EpochState(dropout_seed=self._draw_dropout_seed())

    def pause_epoch(self, epoch_state: EpochState) -> None:
        """Keep the state of an epoch whose rest is trained later.

        Args:
            epoch_state: Its state after the last step done. `order_generator` must be set as it was
                when the epoch began: the next call draws the epoch's order again.
        """
        self._paused = epoch_state

    def end_epoch(self, losses: Sequence[torch.Tensor], seconds: float) -> TrainedEpoch:
        """Count an epoch as done, and step the schedule.

        Args:
            losses: Loss of each of its steps.
            seconds: Wall time of all of its steps.

        Raises:
            NonFiniteLossError: Names the epoch, the step, the value and the seed.
        """
        train_loss = self._mean_finite(torch.stack(tuple(losses)).tolist())
        self._paused = None
        self.epoch += 1
        self._schedule.step()
        return TrainedEpoch(train_loss=train_loss, seconds=seconds)

    def state_dict(self) -> dict[str, Any]:
        """Copy everything that changes in training to the CPU, as tensors and plain values."""
        schedule = self._schedule.state_dict()
        # Made from the config anew; its type is not among those that torch loads as plain values.
        schedule.pop("milestones")
        return snapshot(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": schedule,
                "epoch": self.epoch,
                "order": self.order_generator.get_state(),
                "dropout_seeds": self._dropout_seed_generator.get_state(),
                "begun": None if self._paused is None else self._paused.state_dict(),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state of another trainer of the same config and data.

        On another type of device training goes on too, with other rounding and dropout draws.

        Args:
            state: State from `state_dict`, its tensors on any device; they are copied.
        """
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(deepcopy(state["optimizer"]))
        self._schedule.load_state_dict(deepcopy(state["schedule"]))
        self.epoch = state["epoch"]
        self.order_generator.set_state(state["order"].cpu())
        self._dropout_seed_generator.set_state(state["dropout_seeds"].cpu())
        paused = state["begun"]
        self._paused = None if paused is None else EpochState.of(paused, self.device)

    def _train_steps(self, first: int, pause: Callable[[], bool]) -> list[torch.Tensor]:
        """Train from a step, counted from 0, to the epoch's end or a pause.

        Returns:
            The loss of each step, on the device.
        """
        batches = self.training_images.shuffled(
            self.config.optim.batch_size, self.order_generator, first_batch=first
        )
        return self.step_loop.train(
            batches, pause, steps=self.steps - first, later=self.later_steps
        )

    def evaluate(self, source: OrderedImages) -> Evaluation:
        """Run the network over every image once.

        Args:
            source: Images from `self.source`; may be evaluated any number of times.

        Raises:
            DatasetError: Names an image that is decoded now and is damaged.
        """
        return self.task.evaluate(
            self.model, source, self.config.model.dataset, self.device, float32=self.float32
        )

    def _source(self, images: Images, augmentation: Augmentation | None) -> BatchSource:
        return self.task.source(
            images, self.config.model.dataset, self._normalise, self._decoder, augmentation
        )

    def _mean_finite(self, losses: list[float]) -> float:
        """Return the mean loss; read once an epoch, as each read of a number waits for the GPU."""
        for step, loss in enumerate(losses, start=1):
            if not math.isfinite(loss):
                raise NonFiniteLossError(
                    f"training loss is {loss} at step {step} of epoch {self.epoch + 1} "
                    f"with seed {self.config.seed}"
                )
        return math.fsum(losses) / len(losses)

    def _draw_dropout_seed(self) -> int:
        return int(torch.randint(2**63 - 1, (), generator=self._dropout_seed_generator))


def _initial_weights(config: TrialConfig) -> InitialWeights | None:
    if config.initial_weights is None:
        return None
    from pnn_core.models.initial_weights import find_initial_weights  # imports torchvision

    return find_initial_weights(config.initial_weights)
