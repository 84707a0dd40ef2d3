"""A study of detectors that begin with the weights of another study's network."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from voc_folder import write_voc_folder

from pnn_core import load_network
from pnn_core.data import load_training_data
from pnn_core.models.build import build_model
from pnn_core.models.detector import Detector
from pnn_core.models.saved_network import TrainedNetwork
from pnn_core.parts.own_code import OwnCode
from pnn_core.parts.weight_files import WEIGHT_FILES
from pnn_core.training.validated_run import ValidatedRun
from study.planning.arguments import parse_arguments
from study.planning.own_code import add_code
from study.planning.resume import plan_resume
from study.planning.study_file import StudyFile
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.run import main

SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="small",
    summary="",
    axes={"mask_count": CategoricalDistribution((MASKS,))},
    fixed={
        "network": "resnet8", "stem": "conv7x7", "optimizer": "sgd", "learning_rate": 0.01,
        "batch_size": 2, "schedule": "faster_rcnn",
    },
)
"""
SHAPES = ("--dataset", "vocfolder", "--data-dir", "shapes", "--sampler", "grid", "--epochs", "1")
SOURCE = ("--space", "space.py", *SHAPES, "--canvas", "64", "--name", "source")
BEGUN = ("--space", "space.py", *SHAPES, "--canvas", "96", "--init", "source:0", "--name", "begun")


@pytest.fixture(scope="module")
def folder(make_once, command_in) -> Path:
    def make(folder: Path) -> None:
        write_voc_folder(folder / "shapes", train=4, val=2, test=2, edges=(40, 60))
        (folder / "space.py").write_text(SPACE.replace("MASKS", "4"))
        (folder / "wider.py").write_text(SPACE.replace("MASKS", "6"))
        command = command_in(folder)
        for words in (SOURCE, (*BEGUN, "--confirm", "1", "--max-concurrent", "1")):
            status, out, err = command.run(*words)
            assert status == 0, out + err
        (folder / "said.txt").write_text(out)

    return make_once("initial-weights-study", make)


@pytest.fixture(scope="module")
def tracker(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def backbone(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    assert isinstance(network, Detector)
    return network.features.state_dict()


def test_a_trial_begins_with_the_weights_of_the_network_and_masks_of_its_own(folder, tracker):
    (record,) = MlflowStore(tracker).load_study("begun").records
    assert record.state is RunState.COMPLETE
    name = record.parameters["initial_weights"]
    file = StudyFile.read(folder / "studies/begun")
    (stored,) = file.own
    assert name == stored["name"] == f"source:0@{stored['digest'][:12]}"
    copy = folder / "studies/begun/own" / Path(stored["path"]).name
    source = load_network(copy)
    kept = next((folder / "studies/begun/weights").glob("network-00000-seed*"))
    trained = load_network(kept)
    assert isinstance(source, TrainedNetwork) and isinstance(trained, TrainedNetwork)
    add_code(replace(OwnCode.of_record(stored), source=copy.read_bytes()))
    data = load_training_data("vocfolder", folder / "shapes")
    run = ValidatedRun(trained.card.trial, data, torch.device("cpu"))
    drawn = backbone(build_model(trained.card.trial.model, trained.card.trial.seed))
    for key, tensor in backbone(run.model).items():
        expected = drawn if key.endswith("masks") else backbone(source.network)
        assert torch.equal(tensor, expected[key]), key
    assert run.next_epoch()
    assert run.results[-1].val_map_50 == record.metrics()["val_map_50"]
    for key, tensor in backbone(run.model).items():
        assert torch.equal(tensor, backbone(trained.network)[key]), key


def test_it_is_said_and_confirmed_alone(folder, tracker):
    said = (folder / "said.txt").read_text()
    assert "networks begin with the weights of source:0; masks, proposals and outputs are" in said
    confirmed = MlflowStore(tracker).load_study("begun").confirmed
    assert {run.layer for run in confirmed} == {"perturbation"}
    assert {run.parameters["initial_weights"] for run in confirmed} == {
        StudyFile.read(folder / "studies/begun").own[0]["name"]
    }


def test_it_goes_on_and_is_run_again_with_the_same_weights(folder, tracker, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    before = StudyFile.read(Path("studies/begun")).own
    WEIGHT_FILES.clear()
    plan = plan_resume(parse_arguments(["--resume", "--name", "begun"]), Path("studies/begun"))
    assert plan.config.space.fixed["initial_weights"] == before[0]["name"]
    assert [*WEIGHT_FILES] == [before[0]["name"]]
    words = ("--tracking-uri", tracker, "--dry-run", "--json")
    assert main(("--rerun", "begun:0", "--data-dir", "shapes", *words)) == 0
    (trial,) = json.loads(capsys.readouterr().out)["trials"]
    assert trial["parameters"]["initial_weights"] == before[0]["name"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--space", "wider.py"),
            r"source:0@.* holds a network of width \(=4\): accepted .* \(=6\)",
        ),
        (("--space", "space.py", "--network", "resnet18"), r"network \(=resnet8\)"),
        (
            ("--space", "space.py", "--init", "source:7"),
            "no such trial: study source has trial 0 alone",
        ),
        (("--space", "space.py", "--init", "sorce:0"), "source"),
        (("--space", "space.py", "--init", "source"), "must be NAME:TRIAL.*, or imagenet"),
        (("--space", "space.py", "--init", "imagenet"), r"network \(=resnet8\) has no weights"),
        (
            ("--space", "space.py", "--confirm", "1", "--controls", "conv1x1"),
            "--controls conv1x1: networks begin with learned weights .*: say none",
        ),
    ],
)
def test_other_weights_are_refused_in_one_sentence(
    folder, tracker, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(folder)
    before = sorted(Path("studies").rglob("*"))
    asked = (*SHAPES, "--init", "source:0", *words, "--name", "new", "--tracking-uri", tracker)
    assert main(asked) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert re.search(said, err), err
    assert sorted(Path("studies").rglob("*")) == before


def test_weights_that_cannot_be_had_are_refused_before_a_study_is_made(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.setenv("TORCH_HOME", "cache")
    write_voc_folder(tmp_path / "shapes", train=4, val=2, test=2, edges=(40, 60))
    words = ("--space", "paper_table7", *SHAPES[:4], "--init", "imagenet")
    assert main((*words, "--tracking-uri", "sqlite:///mlflow.db", "--name", "new")) == 2
    out, err = capsys.readouterr()
    *fetched, last = err.splitlines()  # what torch says of its download
    assert last.startswith("study.run: --init imagenet: torchvision's ImageNet weights of resnet50")
    assert all(line.startswith("Downloading") for line in fetched)
    assert out == "" and not Path("studies").exists()
    assert main((*words, "--dry-run")) == 0
    out = capsys.readouterr().out
    assert "2 trials" in out
    assert "of another network: variant VGG-16 noise masks, ResNet-50 noise masks" in out


def test_images_of_a_classification_task_are_refused(folder, tracker, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = ("--space", "noise_masks", "--init", "source:0", "--tracking-uri", tracker)
    assert main(words) == 2
    assert (
        "--init source:0: digits is for classification, in which all weights are drawn"
        in capsys.readouterr().err
    )
