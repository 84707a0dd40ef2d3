# %% [markdown]
# # A network of your own, by conversion
#
# `pnn_core.convert` turns the k×k convolutions of any network into another spatial layer, and says
# which it turned, and which not and why. It needs no study. The network here is that of
# [`own_network.py`](own_network.py), a function that builds a `torch.nn.Module`:

# %%
from pathlib import Path

import torch
from own_network import network

from pnn_core import convert
from pnn_core.data import dataset_shape
from study import run_study

images = dataset_shape("digits", Path("data"))
found = convert(network(images), torch.zeros(1, 1, 8, 8), noise_level=0.5)
print(found)

# %% [markdown]
# ## A study of it
#
# A study builds and converts the network anew for each trial and searches the layer's settings.
# Widths are the network's own, so that `mask_count` is not searched. A network of torchvision or
# timm needs no file: `network="torchvision:resnet18"`.

# %%
study = run_study(space="noise_masks", network="own_network.py", name="own", trials=4, epochs=3)
SHOWN = ["trial", "noise_level", "fan_out", "batch_size", "learnable_params", "val_accuracy"]
print(study.trials()[SHOWN].to_string(index=False))

# %% [markdown]
# ## The trained network
#
# It is the converted network with its weights; on another machine it needs the file that builds it,
# which lies beside the weights in the tracker.

# %%
best = int(study.front()["trial"].iloc[-1])
trained = study.network(best)
with torch.inference_mode():
    logits = trained(torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
print(f"trial {best}: logits {[*logits.shape]} for one image, classes {', '.join(trained.classes)}")

# %% [markdown]
# With `confirm=8`, `conv3x3` among the controls is the network as it was
# ([own networks](../docs/own.md#networks)).
