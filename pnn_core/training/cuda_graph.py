"""Training steps captured as CUDA graphs, which a GPU replays without the host.

At batch sizes like 10 a GPU waits for the host, which has hundreds of operations to launch for each
step. A graph of them is launched at once. torch's requirements of captured code:
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch

Step = Callable[[], torch.Tensor]
"""Function that does one training step and returns its loss, on the device."""

WARM_UP_STEPS = 3
"""Steps before the capture, as many as in torch's documentation: libraries initialise themselves
in them, and SGD makes its momentum, which it does in its first step alone."""


class GraphCapture:
    """Captures and replays work on a GPU.

    Args:
        device: The GPU.

    Attributes:
        works: True until a capture fails. After a failure torch does not promise that its memory is
            freed (`CUDAGraph::reset`), so no other capture should be made.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.works = True
        # All captures share one stream: libraries keep working memory for each stream they meet.
        self._stream = torch.cuda.Stream(device)

    def warm_up(self, step: Step) -> torch.Tensor:
        """Do a step on the stream of the capture, as the default stream cannot be captured."""
        before = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(before)
        with torch.cuda.stream(self._stream):
            loss = step()
        before.wait_stream(self._stream)
        return loss

    def capture(self, step: Step) -> Step:
        """Capture a step without doing it.

        Args:
            step: Step that uses the same tensors each time and waits for nothing that the GPU
                computes.

        Returns:
            Function that replays the step on the current stream. Dropout draws as it does without
            capture, because torch advances the generator's offset with each replay ("Note [CUDA
            Graph-safe RNG states]" in its `ATen/cuda/CUDAGeneratorImpl.h`).

        Raises:
            RuntimeError: The step cannot be captured.
        """
        graph = torch.cuda.CUDAGraph()
        # If the capture fails, torch's `graph` may not leave its stream: the outer context does.
        with torch.cuda.stream(self._stream), torch.cuda.graph(graph, stream=self._stream):
            loss = step()

        def replay() -> torch.Tensor:
            graph.replay()
            return loss.clone()  # the next replay writes to the same memory

        return replay


@cache
def graph_capture(device: torch.device) -> GraphCapture | None:
    """Return the process's `GraphCapture` of a GPU; None for other devices."""
    return GraphCapture(device) if device.type == "cuda" else None


class GraphedStep:
    """A training step that is captured after its warm-up, and replayed from then on.

    If the capture fails, a warning says so and the step goes on without: it has just been seen to
    work, and a slow study is better than none.

    Args:
        step: Step that uses the same tensors each time and waits for nothing that the GPU computes;
            its learning rate does not change.
        optimizer: The step's optimiser.
        capture: Capture of the step's device.
    """

    def __init__(self, step: Step, optimizer: torch.optim.Optimizer, capture: GraphCapture) -> None:
        self._step = step
        self._optimizer = optimizer
        self._capture = capture
        self._warm_ups = 0
        self._replay: Step | None = None

    def __call__(self) -> torch.Tensor:
        """Do a step and return its loss."""
        if self._warm_ups < WARM_UP_STEPS:
            self._warm_ups += 1
            return self._capture.warm_up(self._step)
        if self._replay is None:
            self._replay = self._captured()
        return self._replay()

    def _captured(self) -> Step:
        # Without gradients, so that the capture makes its own, in its own memory.
        self._optimizer.zero_grad(set_to_none=True)
        try:
            with capturable(self._optimizer):
                return self._capture.capture(self._step)
        except RuntimeError as error:
            self._capture.works = False
            self._optimizer.zero_grad(set_to_none=True)
            warnings.warn(
                f"training steps cannot be captured as a CUDA graph ({error}), so this process "
                "trains on without, which is slower at small batch sizes",
                stacklevel=2,
            )
            return self._step


@contextmanager
def capturable(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Set an optimiser's groups to `capturable` for the time of a capture.

    Otherwise torch's Adam would warn that it is capturable and not captured, and checkpoints would
    differ. A fused Adam computes the same either way.
    """
    groups = [group for group in optimizer.param_groups if "capturable" in group]
    before = [group["capturable"] for group in groups]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group, was in zip(groups, before, strict=True):
            group["capturable"] = was
