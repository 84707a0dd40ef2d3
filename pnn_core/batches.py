"""Images on the device that trains on them."""

import warnings
from collections.abc import Sequence

import torch

from pnn_core.data import LabelledImages


class DeviceImages:
    """Labelled images as bytes on a device, normalised batch by batch.

    Bytes, because four times as many of them fit; on a GPU all images stay resident.

    Args:
        images: What to hold. On the CPU the memory is shared, not copied.
        mean: Per channel, of pixels scaled to [0, 1].
        std: Per channel.
        device: Where to hold it.
    """

    def __init__(
        self,
        images: LabelledImages,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        with warnings.catch_warnings():
            # Ray hands out its shared memory read-only, and nothing here writes to it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._images = torch.from_numpy(images.images).to(device)
            self._labels = torch.from_numpy(images.labels).to(device)
        # (x / 255 − mean) / std in one multiplication and one addition.
        self._scale = torch.tensor([1 / (255 * s) for s in std], device=device)[:, None, None]
        offsets = [-m / s for m, s in zip(mean, std, strict=True)]
        self._offset = torch.tensor(offsets, device=device)[:, None, None]

    def __len__(self) -> int:
        return len(self._labels)

    def raw(self, which: torch.Tensor | slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Images `[n, channels, height, width]` as bytes and labels `[n]`."""
        return self._images[which], self._labels[which]

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Bytes to float32 of zero mean and unit deviation per channel, channels last."""
        scaled = torch.addcmul(self._offset, images.float(), self._scale)
        return scaled.contiguous(memory_format=torch.channels_last)
