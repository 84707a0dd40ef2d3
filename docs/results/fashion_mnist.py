"""PNN-ResNet-8 at three sizes and two noise levels: what two CPU cores train within an hour.

The sizes are those of a ladder at which 1×1, 3×3 and local binary networks come within 2% of the
perturbation network's learnable parameters. The first layer is the published code's 7×7 with stride
2 and a max-pool: the other layers see 7×7 pixels, which is what makes the study affordable.
"""

from optuna.distributions import CategoricalDistribution

from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="fashion_mnist",
    summary="PNN-ResNet-8 at 37, 88 and 205 thousand parameters, noise levels 0.1 and 0.5",
    axes={
        "mask_count": CategoricalDistribution((28, 44, 68)),
        "noise_level": CategoricalDistribution((0.1, 0.5)),
    },
    fixed={"network": "resnet8", "stem": "conv7x7", "batch_size": 50},
    is_grid=True,
)
