"""Networks of a real study come out, and each gives the recorded accuracy to the digit."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import study
from pnn_core import load_network
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.data import confirm_step, load_test_data
from pnn_core.models.build import build_model
from pnn_core.models.saved_network import NetworkCard, encode_network
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.own_code import Kind, find_code
from pnn_core.parts.own_parts import add_part
from study.__main__ import main
from study.results.mlflow.store import MlflowStore
from study.results.pareto import front
from study.results.weight_files import seeds_of, weight_files

NAME = "two"


@pytest.fixture(scope="module")
def folder(confirmed_study) -> Path:
    return confirmed_study[0]


@pytest.fixture(scope="module")
def tracker(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(scope="module")
def stored(tracker: str):
    return MlflowStore(tracker).load_study(NAME)


@pytest.fixture(scope="module")
def best(stored) -> int:
    return front(stored.records, stored.info.objectives)[0].number


@pytest.fixture(scope="module")
def model(tracker: str, best: int, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "network.safetensors"
    words = ["save-network", f"{NAME}:{best}", "--tracking-uri", tracker, "--output", str(path)]
    assert main(words) == 0
    return path


def accuracy(network: torch.nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    with torch.inference_mode():
        right = network(torch.from_numpy(images)).argmax(dim=1).numpy() == labels
    return int(right.sum()) / len(labels)


def test_each_seed_of_the_front_gives_its_recorded_validation_accuracy(
    tracker, stored, digits
) -> None:
    """The seeds of a trial were trained at once, and each is alone here."""
    opened = study.open_study(NAME, tracker)
    for record in front(stored.records, stored.info.objectives):
        seeds = seeds_of(record)
        assert len(seeds) == len(record.replicates) == 2
        for seed, curve in zip(seeds, record.replicates, strict=True):
            network = opened.network(record.number, seed=seed)
            assert network.classes == digits.classes
            found = accuracy(network, digits.validation.images, digits.validation.labels)
            assert found == curve[-1].val_accuracy


def test_each_confirmed_run_gives_its_recorded_test_accuracy(tracker, stored) -> None:
    with confirm_step():
        test = load_test_data("digits", Path("unused"))
    opened = study.open_study(NAME, tracker)
    assert len(stored.confirmed) >= 8
    for run in stored.confirmed:
        network = opened.network(run.trial, seed=run.seed, layer=run.layer)
        assert network.card.trial.model.layer == run.layer
        assert accuracy(network, test.images, test.labels) == run.result.test_accuracy


def test_the_folder_and_the_tracker_hold_the_same_and_the_study_says_how_much(
    confirmed_study, stored
) -> None:
    folder, out = confirmed_study
    kept = folder / "studies" / NAME / "weights"
    best = front(stored.records, stored.info.objectives)
    names = {name for record in (*best, *stored.confirmed) for name in weight_files(record)}
    assert {path.name for path in kept.iterdir()} == names
    sent = {p.name: p.read_bytes() for p in (folder / "mlruns").rglob("*.safetensors")}
    assert sent == {path.name: path.read_bytes() for path in kept.iterdir()}
    assert json.loads(out)["weights"] == {
        "folder": str(Path("studies", NAME, "weights")),
        "trials": len(best),
        "confirmed": len(stored.confirmed),
        "lacking": 0,
        "bytes": sum(map(len, sent.values())),
    }
    assert not [*(folder / "studies" / NAME / "checkpoints").rglob("*.*")]


def test_a_fresh_seed_alone_names_the_trials_own_confirmed_network(tracker, stored) -> None:
    opened = study.open_study(NAME, tracker)
    layers = {record.number: record.parameters["layer"] for record in stored.records}
    run = next(r for r in stored.confirmed if r.layer == layers[r.trial])
    network = opened.network(run.trial, seed=run.seed)
    assert (network.card.trial.model.layer, network.card.trial.seed) == (run.layer, run.seed)


def test_a_saved_network_is_the_one_that_a_script_loads(model, tracker, best, digits) -> None:
    images = torch.from_numpy(digits.validation.images)
    loaded, opened = load_network(model), study.open_study(NAME, tracker).network(best)
    assert loaded.card == opened.card
    with torch.inference_mode():
        assert torch.equal(loaded(images), opened(images))


def test_a_pt2_archive_gives_the_recorded_accuracy_and_holds_the_classes(
    model, tracker, best, digits, tmp_path, capsys
) -> None:
    path = tmp_path / "network.pt2"
    words = ["save-network", f"{NAME}:{best}", "--tracking-uri", tracker, "--output", str(path)]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{path}\n"
    extra = {"classes": ""}
    exported = torch.export.load(path, extra_files=extra).module()
    assert tuple(json.loads(extra["classes"])) == digits.classes
    held_out = (digits.validation.images, digits.validation.labels)
    assert accuracy(exported, *held_out) == accuracy(load_network(model), *held_out)
    assert accuracy(exported, *(part[:1] for part in held_out)) in (0, 1)  # one image alone


NAMES = ("a b.png", "=1+1.png", '"q",x.png', "new\nline.png", "é犬.PNG")


@pytest.fixture
def images(tmp_path: Path, digits) -> Path:
    """A folder of digits, whose names hold what names may hold."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        place = folder / "sub" if number % 2 else folder
        Image.fromarray(digits.validation.images[number, 0]).save(place / name, format="PNG")
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_text("no image")
    return folder


def test_predictions_are_those_of_the_network_for_any_name(
    model, images, digits, tmp_path, capsys
) -> None:
    with torch.inference_mode():
        logits = load_network(model)(torch.from_numpy(digits.validation.images[: len(NAMES)]))
    chances, labels = logits.softmax(dim=1).max(dim=1)
    expected = {
        name: (digits.classes[label], chance)
        for name, label, chance in zip(NAMES, labels.tolist(), chances.tolist(), strict=True)
    }
    assert main(["predict", str(model), str(images)]) == 0
    text = capsys.readouterr().out
    rows = [*csv.DictReader(io.StringIO(text))]
    assert {Path(row["image"]).name for row in rows} == {*NAMES}
    assert main(["predict", str(model), str(images), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    output = tmp_path / "classes.csv"
    assert main(["predict", str(model), str(images), "--output", str(output)]) == 0
    assert output.read_bytes().decode() == text
    for row, entry in zip(rows, document, strict=True):
        label, chance = expected[Path(row["image"]).name]
        assert (row["image"], row["class"]) == (entry["image"], entry["class"])
        assert row["class"] == label
        assert float(row["probability"]) == entry["probability"] == pytest.approx(chance, abs=1e-5)


def test_a_name_that_is_no_utf_8_is_escaped(model, images, capsysbinary) -> None:
    odd = images / os.fsdecode(b"\xff.png")
    (images / "a b.png").rename(odd)
    assert main(["predict", str(model), str(odd)]) == 0
    assert b"/\\udcff.png," in capsysbinary.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["save-network", "two:9"], "there is no such trial: study two has trials 0 to 1"),
        (["save-network", "twoo:0"], "did you mean 'two'?"),
        (["save-network", "two"], "'two' must be NAME:TRIAL"),
        (["save-network", "two:BEST", "--seed", "99"], "seed 99: trial"),
        (["save-network", "two:BEST", "--layer", "conv33"], "did you mean conv3x3?"),
        (
            ["save-network", "two:BEST", "--layer", "conv3x3", "--seed", "1"],
            "confirmed with conv3x3",
        ),
        (["save-network", "two:BEST", "--format", "onx"], "did you mean onnx?"),
        (
            ["save-network", "two:BEST", "--output", "a.pth"],
            "accepted are the endings .safetensors",
        ),
        (["save-network", "two:BEST", "--output", "none/a.pt2"], "--output none/a.pt2: "),
        (["predict", "none.safetensors", "."], "there is no file none.safetensors"),
        (["predict", "MODEL", "none"], "IMAGES none: there is no such file or folder"),
        (["predict", "MODEL", "empty"], "IMAGES empty: holds no file that ends in .png"),
        (["predict", "MODEL", "wrong.png"], "wrong.png has 9 x 8 pixels: the network takes 8 x 8"),
        (["predict", "MODEL", "text.png"], "text.png cannot be read as an image"),
        (["predict", "text.png", "wrong.png"], "text.png holds no network of this version"),
    ],
)
def test_bad_input_is_refused_in_one_sentence_and_nothing_is_made(
    tracker, best, model, capsys, monkeypatch, tmp_path, words, said
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    Image.new("L", (9, 8)).save("wrong.png")
    (tmp_path / "text.png").write_text("no image")
    before = sorted(tmp_path.rglob("*"))
    words = [w.replace("BEST", str(best)).replace("MODEL", str(model)) for w in words]
    if words[0] == "save-network" and "--output" not in words:
        words += ["--output", "network.safetensors"]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert said in captured.err
    assert sorted(tmp_path.rglob("*")) == before


def test_weights_that_were_not_kept_are_refused_with_the_command_that_makes_them(
    tracker, stored
) -> None:
    on_front = {record.number for record in front(stored.records, stored.info.objectives)}
    left_out = next(r.number for r in stored.records if r.number not in on_front)
    with pytest.raises(ValueError, match=f"were not kept.*--rerun {NAME}:{left_out}"):
        study.open_study(NAME, tracker).network(left_out)


def test_onnx_gives_the_recorded_accuracy_in_onnxruntime(tracker, stored, digits, tmp_path) -> None:
    """From a process that reads the tracker alone."""
    pytest.importorskip("onnx", reason="pip install 'pnn-study[onnx]' is missing")
    pytest.importorskip("onnxscript", reason="pip install 'pnn-study[onnx]' is missing")
    runtime = pytest.importorskip("onnxruntime", reason="pip install 'pnn-study[onnx]' is missing")
    best = max(
        front(stored.records, stored.info.objectives), key=lambda r: r.metrics()["val_accuracy"]
    )
    path = tmp_path / "network.onnx"
    words = ["save-network", f"{NAME}:{best.number}", "--output", str(path)]
    assert main([*words, "--tracking-uri", tracker]) == 0
    session = runtime.InferenceSession(path)
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == [*digits.classes]
    (logits,) = session.run(["logits"], {"images": digits.validation.images})
    right = (logits.argmax(axis=1) == digits.validation.labels).mean()
    assert right == pytest.approx(best.replicates[0][-1].val_accuracy, abs=1e-9)
    (logits,) = session.run(["logits"], {"images": digits.validation.images[:1]})
    assert logits.shape == (1, 10)


def test_without_the_packages_for_onnx_the_refusal_names_them(
    tracker, best, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)  # what an import finds that is not installed
    path = tmp_path / "network.onnx"
    words = ["save-network", f"{NAME}:{best}", "--tracking-uri", tracker, "--output", str(path)]
    assert main(words) == 2
    said = "--format onnx: ONNX needs the package onnx: pip install 'pnn-study[onnx]'\n"
    assert capsys.readouterr().err.endswith(said)
    assert not path.exists()


OWN_LAYER = """
from torch import nn
from pnn_core.parts import SpatialLayer

class Own(SpatialLayer):
    def learnable_params(self, config, place):
        return (place.inputs.channels + place.bias) * place.out_channels

    def build(self, config, place, generator):
        return nn.Conv2d(place.inputs.channels, place.out_channels, 1, bias=place.bias)

LAYER = Own(label="own", symbol="star", colour="blue", place=100, uses=frozenset())
"""


def test_a_network_with_a_layer_of_ones_own_needs_its_file(images, tmp_path, capsys) -> None:
    own = tmp_path / "own_layer_of_tests.py"
    own.write_text(OWN_LAYER)
    shape = DatasetShape(channels=1, height=8, width=8, classes=2)
    code = find_code(Kind.LAYER, str(own))
    add_part(code)
    config = ModelConfig(dataset=shape, network="resnet8", layer=code.name, mask_count=2)
    card = NetworkCard(
        trial=TrialConfig(model=config), classes=("no", "yes"), mean=(0.5,), std=(0.25,)
    )
    path = tmp_path / "own.safetensors"
    path.write_bytes(encode_network(build_model(config, 0), card))
    SPATIAL_LAYERS._added.clear()  # as in a process of its own
    words = ["predict", str(path), str(images)]
    assert main(words) == 2
    assert "own_layer_of_tests" in capsys.readouterr().err
    assert main([*words, "--layer-file", str(tmp_path / "none.py")]) == 2
    assert "--layer-file: there is no file" in capsys.readouterr().err
    assert main([*words, "--layer-file", str(own)]) == 0
    assert capsys.readouterr().out.count("\n") > len(NAMES)
