"""From a study to onnxruntime: a network of the front as ONNX, run without torch's layers.

    pnn-study run --space noise_masks --name mine
    python examples/export_to_onnx.py mine mine.onnx

Needs `pip install 'pnn-study[onnx]'`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from pnn_core import export_onnx
from pnn_core.data import load_training_data
from study import open_study


def main() -> None:
    """Export the most accurate trial of a study's front, and compare both programs' answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="name of a study")
    parser.add_argument("output", type=Path, help="file to write")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    given = parser.parse_args()

    study = open_study(given.study)
    trial = int(study.front().sort_values("val_accuracy")["trial"].iloc[-1])
    network = study.network(trial)
    given.output.write_bytes(export_onnx(network))

    # Images as they are, bytes: the normalisation is part of the network.
    data = load_training_data(study.info.dataset, given.data_dir).validation
    pixels = data.images

    session = onnxruntime.InferenceSession(given.output)
    (logits,) = session.run(["logits"], {"images": pixels})
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    with torch.inference_mode():
        largest = np.abs(network(torch.from_numpy(pixels)).numpy() - logits).max()

    accuracy = (logits.argmax(axis=1) == data.labels).mean()
    print(f"trial {trial}: {given.output}, {given.output.stat().st_size:,} bytes, {classes}")
    print(f"validation accuracy in onnxruntime {accuracy:.4f}; logits differ by {largest:.1e}")


if __name__ == "__main__":
    main()
