"""Files of weights that detectors of this process may begin with, by their recorded names."""

IMAGENET = "imagenet"
"""Name of torchvision's weights, for which there is no file here."""

WEIGHT_FILES: dict[str, bytes] = {}
"""Contents of files of `pnn_core.models.saved_network`, by the names that runs know them by."""
