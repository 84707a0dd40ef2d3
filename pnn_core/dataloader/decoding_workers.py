"""Worker processes that decode images ahead of their use."""

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from pnn_core.data import AnnotatedImages, DatasetError, ImageFiles
from pnn_core.data.canvas import decode_on_canvas
from pnn_core.data.decode import RandomCrops, decode


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodeRequest:
    """Request to decode one batch.

    Attributes:
        files: Image files of the batch.
        crops: Crops of images of any size; None for the centre. Annotated images are never cropped.
    """

    files: ImageFiles | AnnotatedImages
    crops: RandomCrops | None = None


class Decoder:
    """Decodes batches in worker processes; a batch depends on its request alone.

    The processes start with the first batch and serve all later ones. They end with this object,
    and when this process is killed.

    Args:
        workers: Number of processes; with 0, this process decodes, and nothing ahead of its use.
    """

    def __init__(self, workers: int) -> None:
        self._sampler = _RequestSampler()
        self._loader: DataLoader[_Decoded] = DataLoader(
            _RequestDataset(),
            sampler=self._sampler,
            batch_size=None,
            collate_fn=_no_collation,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_end_with_parent,
            # A fork of a process with threads, as Ray's are, may hang.
            multiprocessing_context="spawn" if workers > 0 else None,
            # Torch's global generator must not depend on how images are decoded.
            generator=torch.Generator(),
        )

    def batches(self, requests: Iterable[DecodeRequest]) -> Iterator[NDArray[np.uint8]]:
        """Decode batch after batch, in order.

        Args:
            requests: Requests, taken some batches ahead.

        Yields:
            RGB images, `[n, 3, height, width]`.

        Raises:
            DatasetError: Names the image that is damaged.
        """
        self._sampler.pending = requests
        for decoded in self._loader:
            if isinstance(decoded, DatasetError):
                raise decoded
            yield decoded


def decoding_worker_count(device: torch.device) -> int:
    """Return the number of processes that decode for a training run on a device.

    For a GPU, the number of threads that torch may use, which a trial was given. For a CPU, one
    less: decoding in another process gains nothing on the one core that trains.
    """
    # More workers than cores would be slower, and torch warns of it. Not every system tells which
    # cores this process may use.
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    threads = min(torch.get_num_threads(), cores)
    return threads if device.type == "cuda" else threads - 1


# Errors are sent as values: torch would raise them with a worker's whole traceback as the message.
# Arrays are sent through a pipe, tensors would be through shared memory, of which containers often
# have 64 MB.
_Decoded = NDArray[np.uint8] | DatasetError


def _end_with_parent(_worker: int) -> None:
    """End a worker when its parent is killed.

    Torch's own watchdog lets it finish what it is sending, to a pipe that nobody reads any more.
    """
    threading.Thread(
        target=_wait_for_end, args=[multiprocessing.parent_process()], daemon=True
    ).start()


def _wait_for_end(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


class _RequestDataset(Dataset[_Decoded]):
    """Data set of all requests: the request itself is the index."""

    def __getitem__(self, request: DecodeRequest) -> _Decoded:
        try:
            if isinstance(request.files, AnnotatedImages):
                return decode_on_canvas(request.files)
            return decode(request.files, request.crops)
        except DatasetError as error:
            return error


class _RequestSampler:
    """Sampler of the pending requests; torch's loaders keep one sampler for life."""

    pending: Iterable[DecodeRequest] = ()

    def __iter__(self) -> Iterator[DecodeRequest]:
        return iter(self.pending)


def _no_collation(decoded: Any) -> Any:  # noqa: ANN401  # torch's type for collating
    return decoded
