"""Maps without noise."""

import torch

from pnn_core.layers.map_source import MapSource, no_noise


class Unperturbed(MapSource):
    """Each channel `fan_out` times, as a perturbation of level 0 gives it: its maps are equal."""

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        return x, no_noise(x, self.fan_out * x.shape[1])
