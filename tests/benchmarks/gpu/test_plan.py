"""The plan for the first hour on a GPU: it can be rehearsed, goes on, and needs little."""

import argparse
import importlib
import json
import re
import runpy
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "benchmarks" / "gpu"
PLANNED = ROOT / "docs/results/cifar10/space.py"
SHAPE = DatasetShape(channels=3, height=8, width=8, classes=3)

ALLOWED_ONLY = """
import importlib, importlib.metadata as metadata, re, sys

given, seen = ["torch", "torchvision", "scikit-learn", "hypothesis", "pytest"], set()
while given:
    name = re.sub(r"[-_.]+", "-", given.pop()).lower()
    if name not in seen:
        seen.add(name)
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        given += [re.match(r"[\\w.-]+", line)[0] for line in needed if "extra ==" not in line]
there = {
    module
    for module, owners in metadata.packages_distributions().items()
    if not {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & seen
}
there |= {"study", "search_spaces", "dashboards", "tests"}
there -= {"pnn_core", "benchmarks"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in there:
            refused.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

refused = []
sys.meta_path.insert(0, Refuse())
assert {"ray", "mlflow", "optuna", "plotly"} <= there
import plan  # makes the shared benchmarks importable
for name in sys.argv[1].split(","):
    importlib.import_module(name)
sys.exit(plan.main(sys.argv[2:]))
"""
"""Program in which nothing can be imported but what a GPU machine may have."""


@pytest.fixture
def part(monkeypatch):
    """Import a module of the plan."""
    monkeypatch.syspath_prepend(SCRIPTS)
    monkeypatch.syspath_prepend(SCRIPTS.parent)
    return importlib.import_module


def test_the_plan_imports_nothing_that_a_gpu_machine_may_lack(tmp_path):
    modules = ",".join(path.stem for path in [*SCRIPTS.glob("*.py")])
    done = subprocess.run(
        [
            *(sys.executable, "-c", ALLOWED_ONLY, modules),
            *("accuracy", "--device", "cpu", "--small", "--epochs", "1", "--seconds", "60"),
            *("--dataset", "digits", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")),
        ],
        env={"PYTHONPATH": f"{ROOT}:{SCRIPTS}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"VERDICT not judged on a CPU: 3x3: val_accuracy", done.stdout)
    assert {path.name for path in (tmp_path / "out" / "accuracy").iterdir()} == {
        "PNN.json",
        "3x3.json",
    }


def test_a_folder_without_images_is_refused_in_a_sentence_and_nothing_is_made(
    part, tmp_path, capsys
):
    out = tmp_path / "out"
    flags = ["--device", "cpu", "--data-dir", str(tmp_path / "none"), "--out", str(out)]
    assert part("plan").main(["accuracy", *flags]) == 2
    assert capsys.readouterr().err.startswith("--dataset imagefolder: ")
    assert not out.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_there_is_refused(part, capsys):
    assert part("plan").main(["layer", "--device", "cuda"]) == 2
    assert "torch finds no GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("device", "value", "least", "kept", "word"),
    [
        ("cuda", 0.4, False, True, "PASS"),
        ("cuda", 0.41, False, False, "MISS"),
        ("cuda", 0.41, True, True, "PASS"),
        ("cpu", 9.0, False, True, "not judged on a CPU"),
    ],
)
def test_a_verdict_is_a_gpus_alone(part, capsys, device, value, least, kept, word):
    judge = part("printed_verdict").judge
    assert judge("a ratio", value, 0.4, torch.device(device), least=least) is kept
    assert f"VERDICT {word}: a ratio" in capsys.readouterr().out


def images(count: int) -> LabelledImages:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=np.arange(count) % 3)


DATA = TrainingData(
    name="digits",
    train=images(40),
    validation=images(12),
    held_out=np.arange(12),
    classes=("a", "b", "c"),
    mean=(0.5,) * 3,
    std=(0.25,) * 3,
    augment=True,
)


@pytest.mark.parametrize("test", [None, images(9)], ids=["validated", "tested"])
def test_a_run_that_is_left_in_mid_epoch_goes_on_to_the_same_result(part, tmp_path, test, capsys):
    resumable = part("resumable")
    config = TrialConfig(
        model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=2),
        optim=OptimConfig(batch_size=5),
        epochs=2,
    )
    job = resumable.Job(name="an arm", config=config)

    def trainings(folder: str, deadline: float):
        cpu = torch.device("cpu")
        return resumable.ResumableJobs(tmp_path / folder, DATA, test, cpu, deadline)

    whole = trainings("whole", float("inf"))
    assert whole.train([job])
    calls = 0
    while not trainings("parts", float("-inf")).train([job]):
        calls += 1
        assert (tmp_path / "parts" / "an_arm.state").is_file()
    assert calls > 2 * 2
    if test is not None:
        assert "accuracy" not in capsys.readouterr().out
    found = [own.result(job) for own in (whole, trainings("parts", 0))]
    same = [{k: v for k, v in own.items() if "seconds" not in k} for own in found]
    assert same[0] == same[1]
    other = replace(job, config=replace(config, seed=1))
    assert whole.result(other) is None
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["an_arm.json"]


def test_arms_and_settings_are_those_of_the_planned_experiment(part):
    experiment, planned = part("part_experiment"), runpy.run_path(str(PLANNED))
    assert dict(experiment.ARMS) == dict(planned["ARMS"])
    assert {
        **{name: value for name, value in planned["FIXED"].items() if name != "network"},
        "augment": "crop_flip",
    } == experiment.SHARED
    arguments = argparse.Namespace(small=False, epochs=30)
    shape = DatasetShape(channels=3, height=32, width=32, classes=10)
    for arm, (layer, level) in experiment.ARMS.items():
        config = experiment._job(arm, shape, arguments, 0.03, 30, 5).config
        assert (config.model.layer, config.model.network) == (layer, "resnet18")
        assert level in (None, config.model.mask.noise_level)
        assert (config.optim.learning_rate, config.seed, config.epochs) == (0.03, 5, 30)
        json.dumps(asdict(config))
