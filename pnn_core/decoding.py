"""Worker processes that decode images ahead of their use."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    this any more, and within seconds when this process is killed.

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
            # A fork of a process with threads, as Ray's are, may hang. The children of a fork
            # server do not notice when the process that asked for them is killed, and stay.
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


def decoding_workers(device: torch.device) -> int:
    """How many processes decode for a training run on a device.

    Beside a GPU as many as torch may use threads, which is what a trial was given. A CPU that
    trains has none to spare: to hand over its one core gains nothing, further ones are shared.
    """
    # More than there are cores would be slower, and torch warns of it.
    threads = min(torch.get_num_threads(), len(os.sched_getaffinity(0)))
    return threads if device.type == "cuda" else threads - 1


# An error travels as a value: torch would raise it anew with a worker's whole traceback as its
# message. Arrays travel through a pipe, not through shared memory as tensors would, of which
# containers often have 64 MB.
_Decoded = NDArray[np.uint8] | DatasetError


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
