# %% [markdown]
# # A data set of your own
#
# A data set is a Python file with four names: `CLASSES`, `SHAPE`, `train()` and `test()`. The study
# copies it into its folder, records its SHA-256 and sends it to every worker. This is
# [`own_data.py`](own_data.py), whole:

# %%
from pathlib import Path

from study import run_study

print(Path("own_data.py").read_text())

# %% [markdown]
# A tenth of each class of `train()` is held out for validation, always the same images. `test()`
# is called by the confirm step alone: each trial of the front, and a network of its size with the
# usual 3×3 convolution, are trained again with three fresh seeds, and tested.

# %%
study = run_study(
    space="noise_masks",
    dataset="own_data.py",
    name="squares",
    trials=4,
    epochs=2,
    confirm=3,
    controls="conv3x3",
)

# %%
SHOWN = ["trial", "mask_count", "learnable_params", "val_accuracy", "test_accuracy", "seeds"]
print(study.front()[SHOWN].to_string(index=False))

# %% [markdown]
# [Own data](../docs/own.md#data) says what may be in the file: arrays, tensors or a map-style
# `torch.utils.data.Dataset`. Folders of images need no code: `dataset="imagefolder"`
# ([data](../docs/data.md)).
