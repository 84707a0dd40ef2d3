"""Training steps captured as CUDA graphs, which a GPU replays without the host.

At batch sizes like 10 a GPU waits for the host, which has hundreds of operations to launch for each
step. A graph of them is launched at once. torch's requirements of captured code:
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

import torch

Step = Callable[[], torch.Tensor]
"""Function that does one training step and returns its loss, on the device."""

WARM_UP_STEPS = 3
"""Steps before the capture, as many as in torch's documentation: libraries initialise themselves
in them, and SGD makes its momentum, which it does in its first step alone."""


class CaptureError(RuntimeError):
    """A failed capture after which torch's random generator is of no more use in this process.

    As in torch 2.11, whose generator then takes itself for captured for ever.
    """


class GraphCapture:
    """Captures and replays work on a GPU.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
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

    def wait(self) -> None:
        """Wait for the GPU to do all that it was given."""
        torch.cuda.synchronize(self.device)

    def recover(self) -> None:
        """Free what a failed capture has left.

        Raises:
            RuntimeError: The process is of no more use: the GPU's random generator cannot draw.
        """
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
        torch.rand(1, device=self.device)


@cache
def graph_capture(device: torch.device) -> GraphCapture | None:
    """Return the process's `GraphCapture` of a GPU; None for other devices."""
    return GraphCapture(device) if device.type == "cuda" else None


class RecordedStep:
    """A training step that is captured after its warm-up, and replayed from then on.

    One recording serves a whole run: it is made anew only where what it was made of has changed, as
    a learning rate or a state that was loaded.

    If the capture fails, the step goes on without: it has just been seen to work, and a slow trial
    is better than none.

    Args:
        step: Step that uses the same tensors each time and waits for nothing that the GPU computes.
        optimizer: The step's optimiser.
        capture: Capture of the step's device.

    Attributes:
        failure: Reason why the step could not be captured; empty while it was not tried.
        replays: Number of steps replayed.
    """

    def __init__(self, step: Step, optimizer: torch.optim.Optimizer, capture: GraphCapture) -> None:
        self._step = step
        self._optimizer = optimizer
        self._capture = capture
        self._warm_ups = 0
        self._replay: Step | None = None
        self._made_of: tuple[object, ...] = ()
        self.failure = ""
        self.replays = 0

    @property
    def is_recorded(self) -> bool:
        """True if the next step is replayed."""
        return self._replay is not None and self._made_of == self._parts()

    def __call__(self) -> torch.Tensor:
        """Do a step and return its loss.

        Raises:
            CaptureError: The capture failed and took the process's random generator with it.
        """
        if self.failure:
            return self._step()
        if self._warm_ups < WARM_UP_STEPS:
            self._warm_ups += 1
            return self._capture.warm_up(self._step)
        if not self.is_recorded:
            self._replay = None  # frees its memory before more is taken
            self._replay = self._captured()
            self._made_of = self._parts()
        if self._replay is None:
            return self._step()
        self.replays += 1
        return self._replay()

    def wait(self) -> None:
        """Wait for the steps to be done; see `GraphCapture.wait`."""
        self._capture.wait()

    def _parts(self) -> tuple[object, ...]:
        """Return the numbers and the places in memory that a recording holds on to."""
        groups = self._optimizer.param_groups
        parameters = [parameter for group in groups for parameter in group["params"]]
        states = [self._optimizer.state.get(parameter, {}) for parameter in parameters]
        tensors = [value for state in states for value in state.values() if torch.is_tensor(value)]
        return (
            *(group["lr"] for group in groups),
            *(tensor.data_ptr() for tensor in (*parameters, *tensors)),
        )

    def _captured(self) -> Step | None:
        # Without gradients, so that the capture makes its own, in its own memory.
        self._optimizer.zero_grad(set_to_none=True)
        try:
            with capturable(self._optimizer):
                return self._capture.capture(self._step)
        except RuntimeError as error:
            self.failure = f"{type(error).__name__}: {' '.join(str(error).split())}"
            self._optimizer.zero_grad(set_to_none=True)
        # Outside of the handler, whose traceback holds what the capture allocated.
        try:
            self._capture.recover()
        except RuntimeError as error:
            raise CaptureError(
                f"training steps could not be captured as a CUDA graph ({self.failure}), and "
                f"torch's random generator is unusable since ({error})"
            ) from error
        return None


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
