"""Forms that `layer.py` compares: each builds a network and returns its training step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from published_layer import PublishedResNet18
from torch import nn
from torch.nn import functional

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig
from pnn_core.device.malloc import keep_freed_memory
from pnn_core.device.precision import autocast
from pnn_core.models.build import build_model
from pnn_core.training import compiled_network
from pnn_core.training.cuda_graph import WARM_UP_STEPS, GraphCapture, RecordedStep, Step
from pnn_core.training.optimizer import make_optimizer

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
NETWORK = ModelConfig(dataset=CIFAR, network="resnet18", mask_count=64, fan_out=1)
BATCHES = 8
"""Number of batches, on the device, that the steps cycle through."""


class Work:
    """Images on a device, and the order in which steps take them.

    Args:
        batch_size: Images per step.
        device: Device that trains.
    """

    def __init__(self, batch_size: int, device: torch.device) -> None:
        self.batch_size = batch_size
        self.device = device
        count = BATCHES * batch_size
        generator = torch.Generator().manual_seed(0)
        shape = (count, CIFAR.channels, CIFAR.height, CIFAR.width)
        self.images = torch.randn(shape, generator=generator).to(device)
        self.labels = torch.randint(CIFAR.classes, (count,), generator=generator).to(device)
        self._order = torch.randperm(count, generator=generator).to(device)
        self._positions = torch.arange(batch_size, device=device)

    def next_batch(self) -> torch.Tensor:
        """Return indices of images; the position in their order is on the device alone."""
        batch = self._order[self._positions]
        self._positions.add_(self.batch_size).remainder_(len(self._order))
        return batch


@dataclass(frozen=True, kw_only=True, eq=False)
class PlainLoop:
    """A step as in PyTorch's documentation.

    Attributes:
        model: Network, called with images; may be compiled.
        optimizer: Optimiser of its parameters.
        work: Images to train on.
        memory_format: Memory format of the images.
    """

    model: Callable[[torch.Tensor], torch.Tensor]
    optimizer: torch.optim.Optimizer
    work: Work
    memory_format: torch.memory_format = torch.channels_last

    def __call__(self) -> torch.Tensor:
        """Do one step and return its loss."""
        batch = self.work.next_batch()
        images = self.work.images[batch].contiguous(memory_format=self.memory_format)
        with autocast(self.work.device):
            logits = self.model(images)
            loss = functional.cross_entropy(logits, self.work.labels[batch])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


Form = Callable[[Work], Step]


def published(work: Work) -> PlainLoop:
    """Build the published code's form, with a plain Adam."""
    torch.manual_seed(0)
    model = PublishedResNet18(width=64, size=32, fan_out=1, classes=CIFAR.classes).to(work.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return PlainLoop(
        model=model, optimizer=optimizer, work=work, memory_format=torch.contiguous_format
    )


def project(work: Work) -> PlainLoop:
    """Build the step of `pnn_core.training.trainer`."""
    model = project_network(work)
    return PlainLoop(model=model, optimizer=make_optimizer(model, OptimConfig()), work=work)


def compiled(form: Callable[[Work], PlainLoop]) -> Callable[[Work], PlainLoop]:
    """Compile a form's network by `torch.compile`."""

    def build(work: Work) -> PlainLoop:
        loop = form(work)
        return replace(loop, model=torch.compile(loop.model, dynamic=False))

    return build


def project_compiled(work: Work) -> PlainLoop:
    """Compile the project's network as `pnn_core.training.train_steps` does in long runs."""
    model = project_network(work)
    return PlainLoop(
        model=compiled_network.compiled(model),
        optimizer=make_optimizer(model, OptimConfig()),
        work=work,
    )


def captured(form: Callable[[Work], PlainLoop]) -> Form:
    """Capture a step as a CUDA graph, as in `pnn_core.training.train_steps`."""

    def build(work: Work) -> RecordedStep:
        loop, capture = form(work), GraphCapture(work.device)
        for group in loop.optimizer.param_groups:
            group["capturable"] = True  # an Adam that is not fused else counts steps on the CPU
        step = RecordedStep(loop, loop.optimizer, capture)
        for _ in range(WARM_UP_STEPS + 1):
            step()
        if step.failure:  # the plain step would be timed
            raise RuntimeError(f"the step was not captured: {step.failure}")
        return step

    return build


def project_network(work: Work) -> nn.Module:
    """Build a network as a worker process does, and lay it out as `pnn_core.training.trainer`."""
    keep_freed_memory()
    return build_model(NETWORK, 0).to(work.device).to(memory_format=torch.channels_last)


PEER = "published"
EAGER: Mapping[str, Form] = {PEER: published, "this project": project}
COMPILED: Mapping[str, Form] = {
    "published, compiled": compiled(published),
    "this project, compiled": project_compiled,
}
ON_GPU: Mapping[str, Form] = {
    "published, captured": captured(published),
    "this project, captured": captured(project),
    "this project, compiled and captured": captured(project_compiled),
}
FORMS: Mapping[str, Form] = {**EAGER, **COMPILED, **ON_GPU}
