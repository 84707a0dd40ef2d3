"""Training steps of a network, from one epoch to the next."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from pnn_core.dataloader.batches import Batch, DeviceBatches
from pnn_core.device.gpu_memory_limit import release_gpu_memory
from pnn_core.device.precision import autocast
from pnn_core.training.compiled_network import (
    LEAST_SECONDS_LEFT,
    CompileCost,
    Forward,
    MeasuredCosts,
    compiled,
    is_compilable,
    pays,
)
from pnn_core.training.cuda_graph import (
    WARM_UP_STEPS,
    GraphCapture,
    RecordedStep,
    graph_capture,
)

MIN_STEPS_TO_CAPTURE = 5 * WARM_UP_STEPS
"""Fewest steps of an epoch for which a CUDA graph is captured: a capture takes the time of a few
steps."""

LossFunction = Callable[[Forward, Batch], torch.Tensor]
"""Function from a network and a batch to a loss, or to one loss per replicate, whose sum is then
minimised: no weight of one replicate has a part in another's loss."""


def no_pause() -> bool:
    """Never ask for a pause."""
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingStep:
    """Forward and backward pass and the optimiser's step, on the next batch.

    Nothing in it waits for what the device computes.

    Attributes:
        forward: The network in training mode, or what it was compiled to.
        optimizer: The network's optimiser.
        next_batch: Function that returns the next batch.
        loss_function: Loss to minimise.
        device: Device that trains.
        float32: True for float32 on a GPU, in the place of bf16 autocast.
    """

    forward: Forward
    optimizer: torch.optim.Optimizer
    next_batch: Callable[[], Batch]
    loss_function: LossFunction
    device: torch.device
    float32: bool

    def __call__(self) -> torch.Tensor:
        """Do the step and return its loss."""
        loss = self.loss(self.next_batch())
        self.optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        self.optimizer.step()
        return loss.detach()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Do the forward pass and return the loss."""
        with autocast(self.device, float32=self.float32):
            return self.loss_function(self.forward, batch)


class TrainingSteps:
    """Training steps of one network, on a GPU recorded once and replayed from epoch to epoch.

    A run that is long enough goes on with a compiled network, once its recorded steps were timed
    over an epoch.

    Args:
        network: The network.
        optimizer: The network's optimiser.
        loss_function: Loss to minimise.
        device: Device that trains.
        float32: True for float32 on a GPU, in the place of bf16 autocast.

    Attributes:
        failure: Reason why steps are not recorded, where they should be; empty where they are.
        replays: Number of steps that were replayed.
        not_compiled: Reason why the network could not be compiled, where that was tried.
        was_compiled: True if the compiled network did some of the steps.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_function: LossFunction,
        device: torch.device,
        *,
        float32: bool,
    ) -> None:
        self._network = network
        self._optimizer = optimizer
        self._loss_function = loss_function
        self._device = device
        self._float32 = float32
        self._recorded: RecordedStep | None = None
        self._batches: DeviceBatches | None = None
        self._forward: Forward = network
        self._eager_seconds = 0.0
        self._compile_seconds = 0.0
        self._is_judged = False
        self.failure = ""
        self.replays = 0
        self.not_compiled = ""
        self.was_compiled = False

    def train(
        self, batches: Iterator[Batch], pause: Callable[[], bool], *, steps: int, later: int = 0
    ) -> list[torch.Tensor]:
        """Train to the epoch's end or a pause.

        Args:
            batches: Batches left in the epoch.
            pause: Asked after each step but the last; True ends the training here.
            steps: Number of batches left.
            later: Number of batches of later epochs; a run that is stopped early has fewer.

        Returns:
            The loss of each step, on the device.

        Raises:
            CaptureError: The steps could not be captured, and this process is of no more use.
        """
        self._network.train()
        if self._eager_seconds and not self._compile_seconds and isinstance(batches, DeviceBatches):
            self._compile_if_it_pays(batches, steps + later)
        recorded = self._recorded_step(batches, steps)
        step = recorded or self._plain_step(batches)
        before = 0 if recorded is None else recorded.replays
        is_timed = recorded is not None and recorded.is_recorded
        losses: list[torch.Tensor] = []
        started = time.perf_counter() if is_timed else 0.0
        for done in range(1, steps + 1):
            losses.append(step())
            if done < steps and pause():
                break
        # A recording keeps the memory of its gradients; those of a plain step are freed.
        self._optimizer.zero_grad(set_to_none=True)
        if recorded is not None:
            self.replays += recorded.replays - before
            self.failure = recorded.failure
            if is_timed and isinstance(batches, DeviceBatches):
                recorded.wait()
                self._learn((time.perf_counter() - started) / len(losses), batches)
        if self.failure:
            self._recorded = self._batches = None
        return losses

    def _compile_if_it_pays(self, batches: DeviceBatches, steps: int) -> None:
        """Compile the network, if the steps left are many enough.

        Args:
            batches: Batches that it will be trained on.
            steps: Number of steps left.
        """
        is_long = steps * self._eager_seconds >= LEAST_SECONDS_LEFT
        if not is_long or not is_compilable(self._network):
            return
        if not pays(self._costs(batches).read(), self._eager_seconds, steps):
            return
        step = replace(self._plain_step(batches), forward=compiled(self._network))
        buffers = [(buffer, buffer.clone()) for buffer in self._network.buffers()]
        self._recorded = None
        release_gpu_memory(self._device)  # the recording's, so that both never have memory
        started = time.perf_counter()
        try:
            step.loss(batches.look()).sum().backward()
        except Exception as error:  # whatever a compiler raises, the network trains as it is
            first = str(error).strip().partition("\n")[0]
            self.not_compiled = f"{type(error).__name__}: {first}"
        else:
            self._forward = step.forward
            self.was_compiled = True
        finally:
            self._compile_seconds = time.perf_counter() - started
            self._optimizer.zero_grad(set_to_none=True)
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)

    def _learn(self, seconds: float, batches: DeviceBatches) -> None:
        """Learn how long a replayed step takes; a compiled network that is slower is left.

        It is judged once, by the epoch nearest to those that it is compared with: what else trains
        on the GPU comes and goes.

        Args:
            seconds: Wall time of a step.
            batches: Batches of its epoch.
        """
        if self._forward is self._network:
            self._eager_seconds = seconds
            return
        if self._is_judged:
            return
        self._is_judged = True
        share = seconds / self._eager_seconds
        self._costs(batches).write(CompileCost(seconds=self._compile_seconds, share=share))
        if share >= 1:
            self._forward, self._recorded = self._network, None

    def _costs(self, batches: DeviceBatches) -> MeasuredCosts:
        images, _ = batches.look()
        gpu = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else ""
        return MeasuredCosts(self._network, (gpu, tuple(images.shape), self._float32))

    def _plain_step(self, batches: Iterator[Batch]) -> TrainingStep:
        return TrainingStep(
            forward=self._forward,
            optimizer=self._optimizer,
            next_batch=batches.take if isinstance(batches, DeviceBatches) else batches.__next__,
            loss_function=self._loss_function,
            device=self._device,
            float32=self._float32,
        )

    def _recorded_step(self, batches: Iterator[Batch], steps: int) -> RecordedStep | None:
        """Return the recorded step, set to the batches; None where they should run without."""
        if not isinstance(batches, DeviceBatches) or self.failure:
            return None  # the host decodes the images of each step
        capture = choose_graph_capture(self._network, batches.device)
        if capture is None:
            return None
        if self._batches is None or not self._batches.go_on_with(batches):
            self._recorded, self._batches = None, batches
        if self._recorded is None:
            self._recorded = RecordedStep(self._plain_step(self._batches), self._optimizer, capture)
        is_worth_it = steps >= MIN_STEPS_TO_CAPTURE or self._recorded.is_recorded
        return self._recorded if is_worth_it else None


def choose_graph_capture(network: nn.Module, device: torch.device) -> GraphCapture | None:
    """Return what captures a network's steps; None if they should run without capture."""
    if not all(getattr(module, "can_be_captured", True) for module in network.modules()):
        return None  # such as dropout in a batched network
    return graph_capture(device)
