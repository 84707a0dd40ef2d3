"""Batches for training and evaluation, on the device, from images held there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from pnn_core.data import LabelledImages
from pnn_core.data.augmentation import Augmentation
from pnn_core.data.normalisation import scale_and_offset
from pnn_core.dataloader.augmentation import CropsAndFlips, crop_and_flip, draw_crops_and_flips
from pnn_core.dataloader.resident_images import resident_images

Batch = tuple[torch.Tensor, Any]
"""Images `[n, channels, height, width]`, float32, normalised, channels last; labels `[n]`, in
detection the objects of each image."""


class OrderedImages(Protocol):
    """Labelled images in batches for evaluation, on the device that works on them."""

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every image once, in the order of the data set."""


class BatchSource(OrderedImages, Protocol):
    """Labelled images in batches, for training too."""

    def __len__(self) -> int:
        """Number of images."""

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, first_batch: int = 0
    ) -> Iterator[Batch]:
        """Yield the batches of one epoch of training, augmented if the run is.

        An incomplete last batch is left out, unless it is the only one: batch normalisation of a
        handful of images would be noise, and the next epoch's order brings those images back.

        Args:
            batch_size: Images per batch.
            generator: CPU generator of the order, crops and flips; the whole epoch's are drawn
                before the first batch.
            first_batch: Index of the first batch, counted from 0: those before it are neither
                decoded nor moved, and the others are the same as in the whole epoch.
        """


class Normalise:
    """Conversion of bytes to float32 of zero mean and unit deviation per channel, channels last.

    Args:
        mean: Mean of each channel, of pixels scaled to [0, 1].
        std: Standard deviation of each channel.
        device: Device of the images.

    Attributes:
        black: Normalised value of a black pixel, `[channels, 1, 1]`.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        factors, summands = scale_and_offset(mean, std)
        self._scale = torch.tensor(factors, device=device)[:, None, None]
        self.black = torch.tensor(summands, device=device)[:, None, None]
        self.device = device

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Normalise `[n, channels, height, width]`."""
        scaled = torch.addcmul(self.black, images.float(), self._scale)
        return scaled.contiguous(memory_format=torch.channels_last)


def full_batches(count: int, batch_size: int) -> list[slice]:
    """Split an epoch into full batches, or into one that holds all."""
    size = min(batch_size, count)
    return [slice(start, start + size) for start in range(0, count - size + 1, size)]


@dataclass(frozen=True, kw_only=True, eq=False)
class EpochDraws:
    """Random draws of an epoch, on the device.

    Attributes:
        order: Indices of the images, `[count * replicates]`: one of each replicate, then the next.
        crops: Crops and flips of the images in this order; None for none.
        replicates: Number of replicates.
    """

    order: torch.Tensor
    crops: CropsAndFlips | None
    replicates: int

    def overwrite(self, other: "EpochDraws") -> bool:
        """Take another epoch's draws into the same memory; False if they do not fit in."""
        pairs = list(zip(self._tensors(), other._tensors(), strict=False))
        is_alike = self.replicates == other.replicates and (self.crops is None) == (
            other.crops is None
        )
        if not is_alike or any(own.shape != theirs.shape for own, theirs in pairs):
            return False
        for own, theirs in pairs:
            own.copy_(theirs)
        return True

    def _tensors(self) -> list[torch.Tensor]:
        crops = self.crops
        return [self.order, *([crops.rows, crops.columns, crops.flipped] if crops else [])]


class DeviceBatches(Iterator[Batch]):
    """The batches of an epoch, with the position in the epoch kept on the device.

    So the same operations on the same tensors give one batch after another, as the replay of a CUDA
    graph requires.

    Args:
        images: Images to pick from.
        draws: The epoch's order, crops and flips.
        batches: Positions of each batch in the order; all batches have one size.
        device: Device of the positions.
    """

    def __init__(
        self,
        images: "DeviceImages",
        draws: EpochDraws,
        batches: Sequence[slice],
        device: torch.device,
    ) -> None:
        self._images = images
        self._draws = draws
        self._left = len(batches)
        first = batches[0] if batches else slice(0, 0)
        self._size = first.stop - first.start
        self._positions = torch.arange(first.start, first.stop, device=device)
        self.device = device

    def go_on_with(self, other: "DeviceBatches") -> bool:
        """Yield another epoch's batches from here on, out of the same memory.

        Args:
            other: Batches of the same images; they must not be taken themselves.

        Returns:
            False, with nothing changed, if they are of other images or of another size.
        """
        if (self._images, self._size) != (other._images, other._size):
            return False
        if self._draws is not other._draws and not self._draws.overwrite(other._draws):
            return False
        self._positions.copy_(other._positions)
        self._left = other._left
        return True

    def __next__(self) -> Batch:
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        return self.take()

    def look(self) -> Batch:
        """Return the next batch, which must exist, without taking it."""
        return self._images.pick(self._draws, self._positions)

    def take(self) -> Batch:
        """Return the next batch, which must exist."""
        batch = self.look()
        self._positions.add_(self._size)
        return batch


class DeviceImages:
    """A `BatchSource` that holds its images as bytes on the device.

    As bytes, because four times as many of them fit; on a GPU all images stay resident, once for
    all runs of a process that learn from them.

    Args:
        images: The images. On the CPU the memory is shared, not copied.
        normalise: Normalisation, whose device holds the images.
        augmentation: Random change of the images in training; None for none.
    """

    def __init__(
        self,
        images: LabelledImages,
        normalise: Normalise,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._device = normalise.device
        self._resident = resident_images(images, self._device)
        self._images, self._labels = self._resident.images, self._resident.labels
        self._normalise = normalise
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self._labels)

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, first_batch: int = 0
    ) -> DeviceBatches:
        """Yield one epoch of training; see `BatchSource`."""
        return self.shuffled_replicates(batch_size, [generator], first_batch=first_batch)

    def shuffled_replicates(
        self, batch_size: int, generators: Sequence[torch.Generator], *, first_batch: int = 0
    ) -> DeviceBatches:
        """Yield one epoch of training for several replicates at once.

        Args:
            batch_size: Images per batch of each replicate.
            generators: Generator of each replicate, whose batches are those of `shuffled`.
            first_batch: Index of the first batch; see `BatchSource`.

        Returns:
            Images `[n, replicates * channels, height, width]`, labels `[n * replicates]`: one
            of each replicate, then the next of each.
        """
        count, replicates = len(self), len(generators)
        orders, draws = [], []
        for generator in generators:
            orders.append(torch.randperm(count, generator=generator).to(self._device))
            if self._augmentation is not None:
                draws.append(
                    draw_crops_and_flips(self._augmentation, count, generator, self._device)
                )
        epoch = EpochDraws(
            order=torch.stack(orders, dim=1).flatten(),
            crops=CropsAndFlips.interleaved(draws) if draws else None,
            replicates=replicates,
        )
        batches = [
            slice(batch.start * replicates, batch.stop * replicates)
            for batch in full_batches(count, batch_size)[first_batch:]
        ]
        return DeviceBatches(self, epoch, batches, self._device)

    def pick(self, draws: EpochDraws, positions: torch.Tensor) -> Batch:
        """Pick a batch by operations on the device alone.

        Args:
            draws: The epoch's order, crops and flips.
            positions: Positions in the order, `[n * replicates]`.
        """
        chosen = draws.order[positions]
        images = self._images[chosen]
        if draws.crops is not None:
            images = crop_and_flip(images, draws.crops[positions])
        maps = _replicates_as_channels(self._normalise(images), draws.replicates)
        return maps, self._labels[chosen]

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every image once; see `BatchSource`."""
        for start in range(0, len(self), batch_size):
            batch = slice(start, start + batch_size)
            yield self._normalise(self._images[batch]), self._labels[batch]


def _replicates_as_channels(images: torch.Tensor, replicates: int) -> torch.Tensor:
    """Reshape `[n * replicates, channels, h, w]` to `[n, replicates * channels, h, w]`."""
    if replicates == 1:
        return images
    maps: torch.Tensor = images.unflatten(0, (-1, replicates)).flatten(1, 2)
    return maps.contiguous(memory_format=torch.channels_last)
