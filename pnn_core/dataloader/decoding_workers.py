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

from pnn_core.data import DatasetError, ImageFiles
from pnn_core.data.decode import RandomCrops, decode


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodeRequest:
    """One batch that is to be decoded.

    Attributes:
        files: The batch.
        crops: Where to crop images of any size; None for the centre.
    """

    files: ImageFiles
    crops: RandomCrops | None = None


class Decoder:
    """Decodes batches in worker processes; a batch depends on its request alone.

    The processes start with the first batch and serve all that follow. They end when nothing holds
    this any more, and when this process is killed.

    Args:
        workers: Processes; with 0, this process decodes, and nothing ahead of its use.
    """

    def __init__(self, workers: int) -> None:
        self._requests = _Requests()
        self._loader: DataLoader[_Decoded] = DataLoader(
            _Requested(),
            sampler=self._requests,
            batch_size=None,
            collate_fn=_unchanged,
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
            requests: Asked for some batches ahead.

        Yields:
            RGB, `[n, 3, height, width]`.

        Raises:
            DatasetError: Names the image that is damaged.
        """
        self._requests.pending = requests
        for decoded in self._loader:
            if isinstance(decoded, DatasetError):
                raise decoded
            yield decoded


def decoding_worker_count(device: torch.device) -> int:
    """How many processes decode for a training run on a device.

    Beside a GPU as many as torch may use threads, which is what a trial was given. A CPU that
    trains has none to spare: to hand over its one core gains nothing, further ones are shared.
    """
    # More than there are cores would be slower, and torch warns of it. Not every system tells
    # which of them this process may use.
    is_told = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if is_told else os.cpu_count() or 1
    threads = min(torch.get_num_threads(), cores)
    return threads if device.type == "cuda" else threads - 1


# An error travels as a value: torch would raise it anew with a worker's whole traceback as its
# message. Arrays travel through a pipe, not through shared memory as tensors would, of which
# containers often have 64 MB.
_Decoded = NDArray[np.uint8] | DatasetError


def _end_with_parent(_worker: int) -> None:
    """Let a worker end when its parent is killed.

    Torch's own watchdog lets it finish what it is sending, to a pipe that nobody reads any more.
    """
    threading.Thread(
        target=_wait_for_end, args=[multiprocessing.parent_process()], daemon=True
    ).start()


def _wait_for_end(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


class _Requested(Dataset[_Decoded]):
    """Whatever is asked for: the request itself is the index."""

    def __getitem__(self, request: DecodeRequest) -> _Decoded:
        try:
            return decode(request.files, request.crops)
        except DatasetError as error:
            return error


class _Requests:
    """What the loader is to ask for next; torch's loaders keep one sampler for life."""

    pending: Iterable[DecodeRequest] = ()

    def __iter__(self) -> Iterator[DecodeRequest]:
        return iter(self.pending)


def _unchanged(decoded: Any) -> Any:  # noqa: ANN401  # the type that torch gives to collating
    return decoded
