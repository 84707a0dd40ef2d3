"""Common ground of the spaces for detection.

The paper (Section 5.4) states the data, a scale of 600, a batch size of 1 and RoI align, and names
its code: J. Yang, "A Faster PyTorch Implementation of Faster R-CNN". The rest is that code's recipe
for PASCAL VOC 2007: SGD with momentum 0.9 (here Nesterov's), weight decay 5e-4, a learning rate of
1e-3 for one image a step, a tenth of it after the fifth of six epochs, flips. Not taken over are
its twice as large rate of biases, which it does not decay, the clipped gradients and 256 regions an
image of its VGG-16, for which 128 are sampled here as for its ResNets.
"""

from collections.abc import Mapping

from pnn_core.config import ParameterValue

RECIPE: Mapping[str, ParameterValue] = {
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "learning_rate": 1e-3,
    "schedule": "faster_rcnn",
    "batch_size": 1,
    "augment": "crop_flip",
    "initialisation": "published",
    "order": "noise_relu_bn_conv",
}
"""Settings of the recipe; a whole image is seen, so that flips are all that augments it."""
