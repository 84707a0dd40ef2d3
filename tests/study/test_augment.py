"""Augmentation of training images is asked for, recorded, kept by `--resume`, and said."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from pnn_core.data import dataset_shape
from search_spaces import find_space
from study.planning.arguments import parse_arguments
from study.planning.augmentation import describe_augmentation
from study.planning.resume import plan_resume
from study.record import main as record
from study.recording.parquet import METADATA, read_table
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.planned_experiment import space_digest
from study.run import main

SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="tiny",
    summary="",
    axes={"mask_count": CategoricalDistribution((2, 4, 6)), %s},
    fixed={"network": "resnet8", "batch_size": 40, %s},
)
"""
SEARCHED = '"augment": CategoricalDistribution(("none", "crop_flip"))'
VARIANTS = """
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="tiny",
    summary="",
    variants={"plain": {"augment": "none"}, "shifted": {"augment": "crop"}},
    fixed={"network": "resnet8"},
)
"""
TRIALS = ("--space", "space.py", "--epochs", "1", "--sampler", "grid")
FOLDER = ("--dataset", "imagefolder", "--data-dir", "images")
SHIFTED = "training images are shifted at random by up to 1 pixel, none mirrored "
MIRRORED = "training images are shifted at random by up to 1 pixel, half of them mirrored "


def write_digits(folder: Path) -> None:
    """Write 20 of each digit to train on and 10 to test."""
    digits = load_digits()
    for label in range(10):
        own = digits.images[digits.target == label][:30]
        for index, pixels in enumerate(own):
            part = folder / "images" / ("train" if index < 20 else "test") / str(label)
            part.mkdir(parents=True, exist_ok=True)
            Image.fromarray((pixels * 15.9).astype(np.uint8)).save(part / f"{index}.png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.py").write_text(SPACE % ("", ""))
    for name in ("a", "b"):
        (tmp_path / "images" / "train" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / "train" / name / "1.png")
    return tmp_path


@pytest.fixture
def dry_run(capsys: pytest.CaptureFixture[str]):
    """Words of a dry run; returns each trial's `augment`, and what is said of the images."""

    def run(*words: str) -> tuple[set[str | None], str]:
        assert main([*TRIALS, "--dry-run", "--json", *words]) == 0
        document = json.loads(capsys.readouterr().out)
        assert main([*TRIALS, "--dry-run", *words]) == 0
        assert document["augmentation"] in capsys.readouterr().out
        found = {trial["parameters"].get("augment") for trial in document["trials"]}
        return found, document["augmentation"]

    return run


@pytest.mark.parametrize(
    ("words", "augment", "said"),
    [
        (FOLDER, "crop", f"{SHIFTED}(--augment none: as they are; --augment crop_flip: half of"),
        ((*FOLDER, "--augment", "none"), "none", ""),
        ((*FOLDER, "--augment", "crop_flip"), "crop_flip", f"{MIRRORED}(--augment none: as they"),
        ((), None, ""),
        (("--augment", "crop"), "crop", SHIFTED),
    ],
)
def test_a_dry_run_says_what_would_be_done(
    folder: Path, dry_run, words: Sequence[str], augment: str | None, said: str
) -> None:
    found, text = dry_run(*words)
    assert found == {augment}
    assert text.startswith(said)
    assert bool(text) == bool(said)


def test_named_data_sets_keep_theirs_and_say_it(folder: Path, dry_run) -> None:
    found, text = dry_run("--dataset", "cifar10")
    assert found == {None}
    assert "shifted at random by up to 4 pixels, half of them mirrored" in text
    found, text = dry_run("--dataset", "imagenet100", "--data-dir", "nowhere")
    assert found == {None}
    assert "cropped to 224x224 at a random place, half of them mirrored" in text


def test_a_space_that_fixes_it_is_obeyed_and_the_option_overrides_it(folder: Path, dry_run) -> None:
    (folder / "space.py").write_text(SPACE % ("", '"augment": "crop_flip"'))
    assert dry_run(*FOLDER)[0] == {"crop_flip"}
    assert dry_run(*FOLDER, "--augment", "crop")[0] == {"crop"}


@pytest.mark.parametrize(
    ("space", "values", "how"),
    [
        (SPACE % (SEARCHED, ""), {"none", "crop_flip"}, "searches augment itself"),
        (VARIANTS, {"none", "crop"}, "names it in variants"),
    ],
)
def test_a_space_that_searches_it_says_so_and_refuses_the_option(
    folder: Path, dry_run, capsys, space: str, values: set[str], how: str
) -> None:
    (folder / "space.py").write_text(space)
    found, text = dry_run(*FOLDER)
    assert found == values
    assert text == "training images are shifted or mirrored as each trial's augment says"
    assert main([*TRIALS, *FOLDER, "--augment", "crop"]) == 2
    message = f"study.run: --augment crop: space 'tiny' {how}: leave one out\n"
    assert capsys.readouterr() == ("", message)
    assert not (folder / "studies").exists()


def test_an_unknown_augmentation_is_refused_with_the_nearest(folder: Path, capsys) -> None:
    assert main([*TRIALS, "--augment", "crop-flip"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("study.run: --augment: 'crop-flip' is not an augmentation")
    assert err.endswith("accepted are none, crop, crop_flip; did you mean crop_flip?\n")
    assert not (folder / "studies").exists()


@pytest.fixture(scope="module")
def finished(make_once, command_in) -> Path:
    """Working folder of a study with `--augment` and `--confirm`, resumed with one more trial."""

    def make(folder: Path) -> None:
        (folder / "space.py").write_text(SPACE % ("", ""))
        write_digits(folder)
        study = (*TRIALS, *FOLDER, "--trials", "2", "--confirm", "1", "--controls", "conv1x1")
        study += ("--max-concurrent", "1")
        status, out, err = command_in(folder).run(*study, "--augment", "crop_flip", "--name", "one")
        assert status == 0, err
        (folder / "out.txt").write_text(out)
        resume = ("--resume", "--name", "one", "--trials", "3")
        refused, _, err = command_in(folder).run(*resume, "--augment", "crop")
        (folder / "refused.txt").write_text(f"{refused} {err}")
        status, out, err = command_in(folder).run(*resume)
        assert status == 0, err
        (folder / "resumed.txt").write_text(out)

    return make_once("augmented-study", make)


@pytest.fixture(scope="module")
def study(finished: Path) -> LoadedStudy:
    loaded = MlflowStore(f"sqlite:///{finished}/mlflow.db").load_study("one")
    assert not loaded.undecodable
    return loaded


def test_a_study_records_it_and_keeps_it_when_it_is_resumed(
    finished: Path, study: LoadedStudy
) -> None:
    assert [record.parameters["augment"] for record in study.records] == ["crop_flip"] * 3
    assert {run.parameters["augment"] for run in study.confirmed} == {"crop_flip"}
    for name in ("out.txt", "resumed.txt"):
        assert MIRRORED in (finished / name).read_text()
    refused = (finished / "refused.txt").read_text()
    assert refused.startswith("2 study.run: --augment crop: study one was started with --augment")


def test_a_recording_of_it_says_what_was_done_to_its_images(
    finished: Path, own_copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_copy(finished))
    assert record(["--name", "one", "--output", "table.parquet"]) == 0
    metadata = json.loads(pyarrow.parquet.read_schema("table.parquet").metadata[METADATA])
    assert metadata["space"]["fixed"]["augment"] == "crop_flip"
    assert metadata["provenance"]["command"].endswith("--augment crop_flip")
    table = read_table(Path("table.parquet"))
    assert {c.parameters["augment"] for c in table.configurations} == {"crop_flip"}


def test_confirmed_runs_tell_how_they_do_on_moved_images_and_which_were_right(
    study: LoadedStudy,
) -> None:
    results = [run.result for run in study.confirmed if run.result is not None]
    assert len(results) >= 2
    for result in results:
        assert result.test_images == 100
        bits = np.unpackbits(np.frombuffer(result.correct_images, np.uint8), count=100)
        assert bits.mean() == result.test_accuracy
        assert (result.moved_test_accuracy * 400) % 1 == pytest.approx(0, abs=1e-9)


def test_a_trial_is_run_again_with_its_own_augmentation(
    finished: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished)
    words = ["--rerun", "one:0", "--tracking-uri", f"sqlite:///{finished}/mlflow.db"]
    assert main([*words, "--data-dir", "images", "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [trial["parameters"]["augment"] for trial in document["trials"]] == ["crop_flip"]
    assert main([*words, "--data-dir", "images", "--augment", "none"]) == 2
    assert "runs the trial again just as it was" in capsys.readouterr().err


def test_a_study_that_began_before_there_was_a_choice_goes_on_as_it_began(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.chdir(finished)
    document = json.loads((finished / "studies/one/study.json").read_text())
    assert document.pop("augment") == "crop_flip"
    for counted in ("trials_ended", "confirmations_ended"):
        document.pop(counted)  # no more did it say what its storage holds
    space = find_space("space.py", dataset_shape("imagefolder", Path("images")))
    document["space_digest"] = space_digest(space)
    earlier = tmp_path / "one"
    earlier.mkdir()
    (earlier / "study.json").write_text(json.dumps(document))
    plan = plan_resume(parse_arguments(["--resume", "--name", "one"]), earlier)
    assert plan.config.augment is None
    assert "augment" not in plan.config.space.fixed
    assert "by up to 4 pixels, half of them mirrored" in describe_augmentation(plan.config)
