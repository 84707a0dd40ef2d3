"""Card of a network that a training run has trained."""

from pnn_core.config import TrialConfig
from pnn_core.data import ImageFiles, Images, ImageTraits
from pnn_core.data.normalisation import chosen_statistics
from pnn_core.models.saved_network import NetworkCard


def network_card(
    config: TrialConfig, traits: ImageTraits, classes: tuple[str, ...], images: Images
) -> NetworkCard:
    """Describe the network of a training run.

    Args:
        config: The whole training run.
        traits: Traits of its images.
        classes: Class names; a label is an index into them.
        images: Images that it learned from.
    """
    mean, std = chosen_statistics(config.normalisation, (traits.mean, traits.std))
    return NetworkCard(
        trial=config,
        classes=classes,
        mean=mean,
        std=std,
        shorter_edge=images.shorter_edge if isinstance(images, ImageFiles) else None,
    )
