"""All that the platform must know of a network that can be a detector, too."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.detector_shape import DetectorShape
from pnn_core.parts.networks.network import ShapedNetwork
from pnn_core.parts.task_names import DETECTION

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.models.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class DetectorNetwork(ShapedNetwork):
    """An architecture that has features of a whole image and a head for each region of it.

    It can be a detector if `tasks` says so.
    """

    @abstractmethod
    def detector(self, config: "ModelConfig") -> DetectorShape:
        """Return the shapes within the detector."""

    @abstractmethod
    def backbone(self, config: "ModelConfig", generator: "torch.Generator") -> "Backbone":
        """Build the network without its classifier, as a detector needs it.

        Args:
            config: The network; its task is detection.
            generator: CPU source of the randomness of masks and filters.
        """

    def refusal(self, config: "ModelConfig") -> str:
        """Say which canvases a detector can take, if it cannot take its own."""
        if config.dataset.task != DETECTION:
            return super().refusal(config)
        return self.detector(config).refusal(config.network, config.dataset.height)

    def head_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes in the heads: of a classifier or of a detector."""
        if config.dataset.task != DETECTION:
            return super().head_params(config)
        return self.detector(config).params(config.dataset.classes)
