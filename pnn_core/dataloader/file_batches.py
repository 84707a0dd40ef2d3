"""Batches from images that are decoded when they are needed."""

from collections.abc import Iterator

import numpy as np
import torch

from pnn_core.data import ImageFiles
from pnn_core.data.augmentation import Augmentation
from pnn_core.data.decode import RandomCrops
from pnn_core.dataloader.augmentation import crop_and_flip, draw_crops_and_flips, draw_flips
from pnn_core.dataloader.batches import Batch, Normalise, full_batches
from pnn_core.dataloader.decoding_workers import Decoder, DecodeRequest


class FileBatches:
    """A `BatchSource` that decodes its images in every epoch.

    All random numbers are drawn here, in the same order as for images in memory, so that a seed
    gives the same batches for any number of workers, and whether or not images of one size fit in
    memory.

    Args:
        files: The images.
        normalise: Normalisation, whose device works on the images.
        decoder: Decoder, which may serve several sources, one at a time.
        augmentation: Random change of the images in training; None for none.
    """

    def __init__(
        self,
        files: ImageFiles,
        normalise: Normalise,
        decoder: Decoder,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._files = files
        self._labels = torch.tensor(files.labels, device=normalise.device)
        self._normalise = normalise
        self._augmentation = augmentation
        self._decoder = decoder

    def __len__(self) -> int:
        return len(self._files)

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, first_batch: int = 0
    ) -> Iterator[Batch]:
        """Yield one epoch of training; see `BatchSource`."""
        count, device = len(self), self._labels.device
        order = torch.randperm(count, generator=generator)
        crops = shifts = None
        augmentation = self._augmentation
        if augmentation is not None and self._files.shorter_edge is not None:
            crops = _draw_random_crops(augmentation, count, generator)
        elif augmentation is not None:
            shifts = draw_crops_and_flips(augmentation, count, generator, device)
        batches = full_batches(count, batch_size)[first_batch:]
        requests = (
            DecodeRequest(
                files=self._files.take(order[batch].numpy()),
                crops=None if crops is None else crops.take(batch),
            )
            for batch in batches
        )
        labels = self._labels[order.to(device)]
        for batch, pixels in zip(batches, self._decoder.batches(requests), strict=True):
            images = torch.from_numpy(pixels).to(device)
            if shifts is not None:
                images = crop_and_flip(images, shifts[batch])
            yield self._normalise(images), labels[batch]

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every image once; see `BatchSource`."""
        indices, device = np.arange(len(self)), self._labels.device
        batches = [slice(s, s + batch_size) for s in range(0, len(self), batch_size)]
        requests = (DecodeRequest(files=self._files.take(indices[batch])) for batch in batches)
        for batch, pixels in zip(batches, self._decoder.batches(requests), strict=True):
            yield self._normalise(torch.from_numpy(pixels).to(device)), self._labels[batch]


def _draw_random_crops(
    augmentation: Augmentation, count: int, generator: torch.Generator
) -> RandomCrops:
    places = torch.rand(2, count, generator=generator, dtype=torch.float64).numpy()
    flipped = draw_flips(augmentation, count, generator).numpy()
    return RandomCrops(rows=places[0], columns=places[1], flipped=flipped)
