# %% [markdown]
# # An objective of your own
#
# An objective is a function of the trained network, the validation images and the curve of epochs,
# and a direction. No test image reaches it. This is [`own_objective.py`](own_objective.py), whole:

# %%
from pathlib import Path

from study import run_study

print(Path("own_objective.py").read_text())

# %% [markdown]
# Any number of objectives can be optimised together; `file_bytes`, `latency_ms` and
# `peak_memory_bytes` are measured without a file. The trade-off searched here is accuracy on images
# that lost half of their contrast against the size of the network's file.

# %%
study = run_study(
    space="noise_masks",
    objectives=["own_objective.py:faded_accuracy:maximize", "file_bytes"],
    name="faded",
    trials=4,
    epochs=3,
)

# %%
SHOWN = ["trial", "mask_count", "noise_level", "val_accuracy", "faded_accuracy", "file_bytes"]
print(study.trials()[SHOWN].to_string(index=False))

# %%
study.figure("front")

# %% [markdown]
# A function that raises, or returns anything but a finite number, fails its trial with that as the
# reason ([objectives](../docs/own.md#objectives)).
