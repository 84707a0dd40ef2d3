"""Batches for training and evaluation, on the device, from images held there."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch

from pnn_core.data import LabelledImages
from pnn_core.dataloader.augmentation import CropsAndFlips, crop_and_flip, draw_crops_and_flips

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images `[n, channels, height, width]`, float32, normalised, channels last; labels `[n]`."""


class BatchSource(Protocol):
    """Labelled images that come in batches, on the device that works on them."""

    def __len__(self) -> int:
        """Number of images."""

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, first_batch: int = 0
    ) -> Iterator[Batch]:
        """One epoch of training, augmented if the data set is.

        An incomplete last batch is left out, unless it is the only one: batch normalisation of a
        handful of images would be noise, and the next epoch's order brings those images back.

        Args:
            batch_size: Images per batch.
            generator: CPU source of the order, crops and flips; the whole epoch's are drawn before
                the first batch comes.
            first_batch: Where to begin, counted from 0: those before it are neither decoded nor
                moved, and the others are what they are in the whole epoch.
        """

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Every image once, in the order of the data set, as it is evaluated."""


class Normalise:
    """Bytes to float32 of zero mean and unit deviation per channel, channels last.

    Args:
        mean: Per channel, of pixels scaled to [0, 1].
        std: Per channel.
        device: Where the images are.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        # (x / 255 − mean) / std in one multiplication and one addition.
        self._scale = torch.tensor([1 / (255 * s) for s in std], device=device)[:, None, None]
        offsets = [-m / s for m, s in zip(mean, std, strict=True)]
        self._offset = torch.tensor(offsets, device=device)[:, None, None]
        self.device = device

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Normalise `[n, channels, height, width]`."""
        scaled = torch.addcmul(self._offset, images.float(), self._scale)
        return scaled.contiguous(memory_format=torch.channels_last)


def full_batches(count: int, batch_size: int) -> list[slice]:
    """Batches of an epoch: all full, or the only one."""
    size = min(batch_size, count)
    return [slice(start, start + size) for start in range(0, count - size + 1, size)]


class DeviceBatches(Iterator[Batch]):
    """The batches of an epoch, of which the device itself knows which comes next.

    So the very same operations on the very same tensors give one batch after another, which a CUDA
    graph needs that is to do again what it did once.

    Args:
        pick: From places in the epoch's order, `[n]`, to the batch of them, by operations on the
            device alone.
        batches: The places of each batch, as many as of every other.
        device: Of the places.
    """

    def __init__(
        self,
        pick: Callable[[torch.Tensor], Batch],
        batches: Sequence[slice],
        device: torch.device,
    ) -> None:
        self._pick = pick
        self._left = len(batches)
        first = batches[0] if batches else slice(0, 0)
        self._size = first.stop - first.start
        self._places = torch.arange(first.start, first.stop, device=device)
        self.device = device

    def __next__(self) -> Batch:
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        return self.take()

    def take(self) -> Batch:
        """The next batch; whether there is one, whoever asks must know."""
        batch = self._pick(self._places)
        self._places.add_(self._size)
        return batch


class DeviceImages:
    """A `BatchSource` that holds its images as bytes on the device.

    Bytes, because four times as many of them fit; on a GPU all images stay resident.

    Args:
        images: What to hold. On the CPU the memory is shared, not copied.
        normalise: Tells the device, too.
        augment: Whether batches in training get a random crop and flip.
    """

    def __init__(self, images: LabelledImages, normalise: Normalise, *, augment: bool) -> None:
        self._device = normalise.device
        with warnings.catch_warnings():
            # Ray hands out its shared memory read-only, and nothing here writes to it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._images = torch.from_numpy(images.images).to(self._device)
            self._labels = torch.from_numpy(images.labels).to(self._device)
        self._normalise = normalise
        self._augment = augment

    def __len__(self) -> int:
        return len(self._labels)

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, first_batch: int = 0
    ) -> DeviceBatches:
        """See `BatchSource`."""
        return self.shuffled_replicates(batch_size, [generator], first_batch=first_batch)

    def shuffled_replicates(
        self, batch_size: int, generators: Sequence[torch.Generator], *, first_batch: int = 0
    ) -> DeviceBatches:
        """One epoch of training for each of several replicates at once.

        Args:
            batch_size: Images per batch of each.
            generators: Of each: its batches are those that it gives to `shuffled`.
            first_batch: See `BatchSource`.

        Returns:
            Images `[n, replicates * channels, height, width]`, labels `[n * replicates]`: those of
            an image of each replicate, then of the next image of each.
        """
        count, replicates = len(self), len(generators)
        orders, draws = [], []
        for generator in generators:
            orders.append(torch.randperm(count, generator=generator).to(self._device))
            if self._augment:
                draws.append(draw_crops_and_flips(count, generator, self._device))
        order = torch.stack(orders, dim=1).flatten()
        crops = CropsAndFlips.interleaved(draws) if draws else None

        def pick(places: torch.Tensor) -> Batch:
            chosen = order[places]
            images = self._images[chosen]
            if crops is not None:
                images = crop_and_flip(images, crops[places])
            return _side_by_side(self._normalise(images), replicates), self._labels[chosen]

        batches = [
            slice(batch.start * replicates, batch.stop * replicates)
            for batch in full_batches(count, batch_size)[first_batch:]
        ]
        return DeviceBatches(pick, batches, self._device)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """See `BatchSource`."""
        for start in range(0, len(self), batch_size):
            batch = slice(start, start + batch_size)
            yield self._normalise(self._images[batch]), self._labels[batch]


def _side_by_side(images: torch.Tensor, replicates: int) -> torch.Tensor:
    """From `[n * replicates, channels, h, w]` to `[n, replicates * channels, h, w]`."""
    if replicates == 1:
        return images
    packed: torch.Tensor = images.unflatten(0, (-1, replicates)).flatten(1, 2)
    return packed.contiguous(memory_format=torch.channels_last)
