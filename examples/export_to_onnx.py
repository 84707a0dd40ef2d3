# %% [markdown]
# # From a study to ONNX
#
# The most accurate network of the study of [`first_study.py`](first_study.py), as an ONNX file that
# `onnxruntime` runs without torch. It needs `pip install 'pnn-study[onnx]'`, and that study in the
# current folder.

# %%
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from pnn_core import export_onnx
from pnn_core.data import load_training_data
from study import open_study

study = open_study("first")
best = study.front().sort_values("val_accuracy").iloc[-1]
network = study.network(int(best["trial"]))
file = Path("network.onnx")
file.write_bytes(export_onnx(network))
print(f"trial {best['trial']:.0f}: {file}, {file.stat().st_size:,} bytes")

# %% [markdown]
# The input is `images`, bytes of 0 to 255, `[batch, channels, height, width]`: the normalisation is
# part of the network. The classes and the whole configuration are in the model's metadata.

# %%
session = onnxruntime.InferenceSession(file)
print("classes", json.loads(session.get_modelmeta().custom_metadata_map["classes"]))
data = load_training_data("digits", Path("data")).validation
(logits,) = session.run(["logits"], {"images": data.images})

# %% [markdown]
# Both programs' answers, compared:

# %%
with torch.inference_mode():
    largest = np.abs(network(torch.from_numpy(data.images)).numpy() - logits).max()
accuracy = (logits.argmax(axis=1) == data.labels).mean()
print(f"validation accuracy in onnxruntime {accuracy:.4f}, recorded {best['val_accuracy']:.4f}")
print(f"logits differ by less than 1e-4: {largest < 1e-4}")

# %% [markdown]
# `pnn-study save-network first:3 --output network.onnx` writes the same file, and `.pt2` one for
# `torch.export.load` ([formats](../docs/networks.md#networks-of-a-study)).
