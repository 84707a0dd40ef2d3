"""Fashion-MNIST.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017, arXiv:1708.07747.
"""

from pnn_core.data.idx_images import IdxImages

DATASET = IdxImages(
    name="fashion_mnist",
    torchvision_class="FashionMNIST",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
).dataset("70,000 pieces of clothing of 28x28, downloaded when absent")
