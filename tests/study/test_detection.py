"""A study of detectors from its command to its pages, on drawn shapes."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from voc_folder import write_voc_folder

from dashboards import export
from dashboards.page.study_page import study_page
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.views import PICTURES
from pnn_core import load_network
from pnn_core.config import DETECTION, TASKS
from pnn_core.data import dataset_shape, load_training_data
from pnn_core.models.saved_network import TrainedNetwork
from pnn_core.training.validated_run import ValidatedRun
from study.__main__ import main as pnn_study
from study.opened_study import open_study
from study.planning.arguments import DEFAULTS
from study.planning.task import with_task
from study.results.mlflow.store import MlflowStore
from study.results.pareto import front
from study.results.precision_recall import decode_precision_recall
from study.results.run_record import RunState
from study.results.trial_key import TrialKey
from study.results.weight_files import picture_files, weight_files
from study.run import main

SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="small",
    summary="",
    axes={"mask_count": CategoricalDistribution((4, 6))},
    fixed={
        "network": "resnet8", "stem": "conv7x7", "optimizer": "sgd", "learning_rate": 0.01,
        "batch_size": 2, "schedule": "faster_rcnn", "padding": "batch",
    },
)
"""
STUDY = (
    *("--space", "space.py", "--dataset", "vocfolder", "--data-dir", "shapes", "--canvas", "64"),
    *("--trials", "2", "--sampler", "grid", "--epochs", "1", "--name", "shapes"),
    *("--confirm", "1", "--controls", "conv1x1", "--max-concurrent", "1"),
)


@pytest.fixture(scope="module")
def folder(make_once, command_in) -> Path:
    def make(folder: Path) -> None:
        write_voc_folder(folder / "shapes", train=6, val=3, test=3, edges=(40, 60))
        (folder / "space.py").write_text(SPACE)
        status, out, err = command_in(folder).run(*STUDY)
        assert status == 0, out + err

    return make_once("detection-study", make)


@pytest.fixture(scope="module")
def tracker(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(scope="module")
def stored(tracker: str):
    return MlflowStore(tracker).load_study("shapes")


def test_trials_are_chosen_by_average_precision_against_backbone_parameters(stored):
    assert [o.name for o in stored.info.objectives] == ["val_map_50", "backbone_params"]
    assert stored.info.task.name == "detection"
    for record in stored.records:
        assert record.state is RunState.COMPLETE
        metrics = record.metrics()
        assert 0 <= metrics["val_map_50"] <= 1
        assert 0 < metrics["backbone_params"] < metrics["learnable_params"]
        assert (record.parameters["canvas"], record.parameters["padding"]) == (64, "batch")
        assert "val_accuracy" not in metrics


def test_confirmed_runs_are_tested_by_average_precision_beside_a_control_of_equal_backbone(stored):
    assert {run.layer for run in stored.confirmed} == {"perturbation", "conv1x1"}
    for run in stored.confirmed:
        assert run.result is not None and 0 <= run.result.test_map_50 <= 1
        assert math.isnan(run.result.test_accuracy)
        assert "test_map_50" in run.metrics() and "test_accuracy" not in run.metrics()
        assert abs(run.size_difference) < 0.1


def test_a_notebook_reads_the_precision_of_front_and_test(tracker):
    opened = open_study("shapes", tracker)
    assert {"val_map_50", "test_map_50", "backbone_params"} <= {*opened.front().columns}
    assert len(opened.trials("val_map_50 >= 0 and canvas == 64")) == 2


def test_a_network_that_is_loaded_gives_the_recorded_precision(folder, stored):
    record = stored.records[0]
    files = [folder / "studies/shapes/weights" / name for name in weight_files(record)]
    kept = next((path for path in files if path.is_file()), None)
    if kept is None:  # beaten by the other trial
        record = stored.records[1]
        kept = folder / "studies/shapes/weights" / weight_files(record)[0]
    network = load_network(kept)
    assert isinstance(network, TrainedNetwork)
    data = load_training_data("vocfolder", folder / "shapes")
    run = ValidatedRun(network.card.trial, data, torch.device("cpu"))
    run.model.load_state_dict(network.network.state_dict())
    found = run.evaluate(run.evaluation_images).epoch_metrics()
    assert found["val_map_50"] == record.metrics()["val_map_50"]


def test_what_it_finds_is_drawn_and_scored_beside_the_weights_of_the_front(folder, tracker, stored):
    store = MlflowStore(tracker)
    on_front = {record.number for record in front(stored.records, stored.info.objectives)}
    data = load_training_data("vocfolder", folder / "shapes")
    for record in stored.records:
        names = picture_files(record)
        contents = [store.fetch_file("shapes", record.key, name) for name in names]
        here = [(folder / "studies/shapes/weights" / name).is_file() for name in names]
        if record.number not in on_front:
            assert contents == [None, None] and here == [False, False]
            continue
        picture, curves = contents
        assert here == [True, True]
        with Image.open(io.BytesIO(picture)) as image:
            assert image.format == "PNG" and min(image.size) > 200
        found = decode_precision_recall(curves)
        assert tuple(curve.name for curve in found) == data.classes
        known = [curve.ap_50 for curve in found if curve.ap_50 is not None]
        assert math.isclose(sum(known) / len(known), record.metrics()["val_map_50"])


OF_DETECTORS = [name for name, entry in PICTURES.items() if entry.is_of(TASKS[DETECTION])]


@pytest.mark.parametrize("name", OF_DETECTORS)
def test_every_picture_of_detectors_can_be_drawn_and_misses_no_figure(stored, name):
    scene = Scene(studies=(stored,), options=ViewOptions(), selected=None, now_ms=0)
    picture = PICTURES[name].draw(scene)
    assert "finite" not in f"{picture.caption} {picture.instead}"


def test_a_page_of_detectors_shows_no_picture_of_classification(stored):
    scene = Scene(studies=(stored,), options=ViewOptions(), selected=None, now_ms=0)
    page = study_page(scene)
    assert "published protocol" not in page.lower()
    assert "Validation loss minus training loss" not in page


def test_a_picture_of_classification_is_refused_of_detectors(tracker, stored, tmp_path, capsys):
    path = tmp_path / "gap.svg"
    words = ("--study", "shapes", "--tracking-uri", tracker, "--output", str(path))
    assert export.main([*words, "--picture", "published-gap"]) == 2
    said = capsys.readouterr().err
    assert "--picture published-gap: published-gap is a picture of networks for classifi" in said
    assert "accepted are front," in said and not path.exists()
    with pytest.raises(ValueError, match="generalisation-gap is a picture of networks for classif"):
        open_study("shapes", tracker).figure("generalisation-gap")


def test_a_trial_is_run_again_on_its_canvas(folder, tracker, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = ("--rerun", "shapes:0", "--data-dir", "shapes", "--tracking-uri", tracker, "--dry-run")
    assert main(words) == 0
    assert "a rerun of shapes:0" in capsys.readouterr().out


def test_a_trial_is_run_again_with_the_objectives_of_its_study():
    shape = dataset_shape("digits", Path("nowhere"))
    boxes = replace(shape, task="detection")
    rerun = replace(DEFAULTS, rerun=TrialKey("shapes", 0))
    assert with_task(replace(rerun, objectives=()), boxes).objectives == ()
    chosen = with_task(DEFAULTS, boxes).objectives
    assert [objective.name for objective in chosen] == ["val_map_50", "backbone_params"]


def test_words_of_another_task_are_refused(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for words, said in (
        ((*STUDY[:8], "--objectives", "val_accuracy"), "it is a metric of classification"),
        (("--space", "noise_masks", "--canvas", "64"), "setting of detection"),
        (("--space", "detection_masks"), "the data set has no boxes"),
        ((*STUDY[:6], "--canvas", "63", "--name", "odd"), "--canvas 63: "),
    ):
        assert main(words) == 2
        assert said in capsys.readouterr().err
    assert {path.name for path in (folder / "studies").iterdir()} == {"shapes"}


def test_a_damaged_folder_is_refused_before_a_study_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_voc_folder(tmp_path / "shapes", train=4, val=2, test=2, edges=(40, 60))
    (tmp_path / "space.py").write_text(SPACE)
    annotation = tmp_path / "shapes" / "Annotations" / "t001.xml"
    whole = annotation.read_text()
    for damaged, said in (
        (None, "t001.xml is missing"),
        (whole[:80], "t001.xml cannot be read as XML"),
    ):
        annotation.unlink() if damaged is None else annotation.write_text(damaged)
        words = ("--space", "space.py", "--dataset", "vocfolder", "--data-dir", "shapes")
        assert main((*words, "--name", "new", "--tracking-uri", "sqlite:///mlflow.db")) == 2
        err = capsys.readouterr().err
        assert err.startswith("study.run: --data-dir shapes: ") and said in err
        assert not Path("studies").exists()


def test_a_dry_run_without_the_images_is_on_the_asked_canvas(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ("--dry-run", "--dataset", "voc2007", "--space", "paper_table7")
    assert main((*words, "--canvas", "320")) == 0
    assert "data is absent: costs are for 3x320x320 images of 20 classes" in capsys.readouterr().out
    assert main((*words, "--canvas", "321")) == 2
    assert "study.run: --canvas 321: " in capsys.readouterr().err
    assert main(("--dry-run", "--dataset", "imagefolder", *words[3:], "--canvas", "320")) == 2
    assert "--canvas 320: canvas (=320) is a setting of detection" in capsys.readouterr().err


def test_a_detector_finds_objects_in_files_of_any_size(folder, stored, capsys, monkeypatch):
    monkeypatch.setattr("study.predict.LEAST_PROBABILITY", 0.0)  # it has trained for one epoch
    model = next((folder / "studies/shapes/weights").glob("*.safetensors"))
    images = sorted((folder / "shapes/JPEGImages").iterdir())[:2]
    assert pnn_study(["predict", str(model), *map(str, images), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["image"] for row in found} == {*map(str, images)}
    for row in found:
        with Image.open(row["image"]) as image:
            width, height = image.size
        assert row["class"] in {"disc", "square"}
        assert 0 <= row["left"] <= row["right"] <= width
        assert 0 <= row["top"] <= row["bottom"] <= height


def test_a_detector_is_refused_by_formats_that_cannot_hold_it(folder, tracker, stored, capsys):
    best = front(stored.records, stored.info.objectives)[0].number
    words = ["save-network", f"shapes:{best}", "--tracking-uri", tracker, "--format", "onnx"]
    assert pnn_study([*words, "--output", str(folder / "d.onnx")]) == 2
    assert "accepted is safetensors" in capsys.readouterr().err
    assert not (folder / "d.onnx").exists()
