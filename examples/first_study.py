# %% [markdown]
# # Run a study and read it
#
# A study trains networks whose 3×3 convolutions have become *perturbation layers* (fixed noise
# masks, a ReLU and a learned 1×1 convolution) and looks for those with most accuracy for fewest
# parameters. This one is small: six networks of three epochs on handwritten digits, which come
# along. It takes less than a minute on two cores.
#
# Its state goes into `studies/first` and its trials into MLflow's local store, both in the current
# folder. A name is used once: `resume=True` goes on with the study, another name begins another.

# %%
from pathlib import Path

import torch

from pnn_core.data import load_training_data
from study import open_study, run_study

study = run_study(space="noise_masks", name="first", trials=6, epochs=3)

# %% [markdown]
# ## Tables
#
# The **front** is what no other trial beats on every objective. Accuracy is counted on validation
# images: no weight is learned from them, and the test images are not read at all.

# %%
SHOWN = ["trial", "mask_count", "fan_out", "noise_level", "learnable_params", "val_accuracy"]
front = study.front()
print(front[SHOWN].to_string(index=False))

# %% [markdown]
# All trials are a pandas data frame, too, and can be asked for by their settings and metrics.

# %%
print(study.trials("fan_out == 1 or val_accuracy > 0.5")[SHOWN].to_string(index=False))

# %% [markdown]
# ## Pictures
#
# Every picture of the live page is a Plotly figure, and
# `study.figure("front").write_html("front.html")` makes a page of it.

# %%
study.figure("front")

# %% [markdown]
# ## The network
#
# The weights of the front's trials are kept. A network takes images as they are, bytes of 0 to 255,
# and says its classes; normalisation is part of it.

# %%
network = study.network(int(front["trial"].iloc[-1]))
digits = load_training_data("digits", Path("data")).validation
with torch.inference_mode():
    found = network(torch.from_numpy(digits.images)).argmax(dim=1).numpy()
print("says ", [network.classes[label] for label in found[:12]])
print("truth", [network.classes[label] for label in digits.labels[:12]])
print(
    f"accuracy {(found == digits.labels).mean():.4f}, recorded {front['val_accuracy'].iloc[-1]:.4f}"
)

# %% [markdown]
# ## Later, elsewhere
#
# Whoever has the tracker reads the study, in another process or on another machine.

# %%
print(open_study("first").info.sampler, len(open_study("first").trials()))

# %% [markdown]
# Six trials of one seed each are no evidence: `replicates=3` trains each trial with three seeds,
# and `confirm=8` trains the front and its controls with eight fresh ones and reads the test images
# once. The [tutorial](../docs/tutorial.md) goes on from here.
