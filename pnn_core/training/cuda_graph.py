"""Training steps that a GPU does again without the host: CUDA graphs.

At batch sizes like 10 a GPU waits for the host, which has hundreds of operations to start for each
step. A graph of them starts at once. What torch asks of the code that is recorded:
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch

Step = Callable[[], torch.Tensor]
"""Does a training step and gives its loss, on the device."""

WARM_UP_STEPS = 3
"""Steps before the recording, as many as torch's documentation has: libraries set themselves up in
them, and SGD makes its momentum, which it does in its first step alone."""


class GraphCapture:
    """Records and replays work on a GPU.

    Args:
        device: The GPU.

    Attributes:
        works: Whether no recording has failed. After one has, torch does not promise that its
            memory is freed (`CUDAGraph::reset`), so that there should be no other.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.works = True
        # One for all recordings: libraries keep working memory for each stream that they meet.
        self._stream = torch.cuda.Stream(device)

    def warm_up(self, step: Step) -> torch.Tensor:
        """Do a step where the recording will be made, for the default stream cannot be recorded."""
        before = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(before)
        with torch.cuda.stream(self._stream):
            loss = step()
        before.wait_stream(self._stream)
        return loss

    def capture(self, step: Step) -> Step:
        """Record a step without doing it.

        Args:
            step: Uses the same tensors each time and waits for nothing that the GPU computes.

        Returns:
            Does what was recorded, on the current stream. Dropout draws as it does unrecorded, for
            torch has the generator's offset move on with each replay ("Note [CUDA Graph-safe RNG
            states]" in its `ATen/cuda/CUDAGeneratorImpl.h`).

        Raises:
            RuntimeError: The step cannot be recorded.
        """
        graph = torch.cuda.CUDAGraph()
        # Where the recording fails, torch's `graph` may not leave its stream: the outer one does.
        with torch.cuda.stream(self._stream), torch.cuda.graph(graph, stream=self._stream):
            loss = step()

        def replay() -> torch.Tensor:
            graph.replay()
            return loss.clone()  # the next replay writes where the last one did

        return replay


@cache
def graph_capture(device: torch.device) -> GraphCapture | None:
    """What records on a device; None where nothing can."""
    return GraphCapture(device) if device.type == "cuda" else None


class GraphedStep:
    """A training step that is recorded after a few, and replayed from then on.

    A recording that fails is warned of, and the step goes on as it is: it has just been seen to
    work, and a slow study is better than none.

    Args:
        step: Uses the same tensors each time and waits for nothing that the GPU computes; its
            learning rate does not change.
        optimizer: Whose step it is.
        recorder: Of the device.
    """

    def __init__(
        self, step: Step, optimizer: torch.optim.Optimizer, recorder: GraphCapture
    ) -> None:
        self._step = step
        self._optimizer = optimizer
        self._recorder = recorder
        self._warm_ups = 0
        self._replay: Step | None = None

    def __call__(self) -> torch.Tensor:
        """Do a step; gives its loss."""
        if self._warm_ups < WARM_UP_STEPS:
            self._warm_ups += 1
            return self._recorder.warm_up(self._step)
        if self._replay is None:
            self._replay = self._recorded()
        return self._replay()

    def _recorded(self) -> Step:
        # So that the recording makes its own gradients, in its own memory.
        self._optimizer.zero_grad(set_to_none=True)
        try:
            with capturable(self._optimizer):
                return self._recorder.capture(self._step)
        except RuntimeError as error:
            self._recorder.works = False
            self._optimizer.zero_grad(set_to_none=True)
            warnings.warn(
                f"training steps cannot be recorded as a CUDA graph ({error}), so this process "
                "trains on without, which is slower at small batch sizes",
                stacklevel=2,
            )
            return self._step


@contextmanager
def capturable(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Have an optimiser take part in a recording.

    For that alone: torch's Adam warns where it is asked to be capturable and is not captured, and
    checkpoints would tell. A fused Adam computes the same either way.
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
