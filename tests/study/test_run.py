"""The main job as a user runs it: a process of its own, real data, real Ray, a real tracker."""

import contextlib
import csv
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from PIL import Image

from study.opened_study import open_study
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.tuning_point import best_point
from study.run import main

SPACE = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="tiny <b>space</b>",
    summary="networks that train in a moment",
    axes={
        "mask_count": CategoricalDistribution((2, 4)),
        "learning_rate": CategoricalDistribution(%s),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    fixed={"network": "resnet8", "batch_size": 200, "optimizer": "sgd", "momentum": 0.0},
)
"""
FASHION_SPACE = """
from optuna.distributions import CategoricalDistribution
from search_spaces import SearchSpace

SPACE = SearchSpace(
    name="fashion",
    summary="small and learns within an epoch",
    axes={"mask_count": CategoricalDistribution((8,))},
    fixed={"network": "resnet8", "stem": "conv7x7", "batch_size": 100},
)
"""
ONE_WORKER = ("--max-concurrent", "1")
"""Half of what a small study costs is the start of its workers, each of which imports torch."""

TEST_DIGITS = 359
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "space.py").write_text(SPACE % "(1e-3, 1e-2)")
    (tmp_path / "mixed.py").write_text(SPACE % "(1e-3, 1e30)")
    (tmp_path / "fashion.py").write_text(FASHION_SPACE)
    (tmp_path / "diverging.py").write_text(SPACE % "(1e30, 2e30)")
    return tmp_path


def runs(client: MlflowClient, study: str) -> tuple[Run, list[Run]]:
    """The parent and its children, by number."""
    experiment = client.get_experiment_by_name(study)
    everything = client.search_runs([experiment.experiment_id])
    (parent,) = (r for r in everything if "mlflow.parentRunId" not in r.data.tags)
    children = [r for r in everything if r is not parent]
    assert {r.data.tags["mlflow.parentRunId"] for r in children} == {parent.info.run_id}
    return parent, sorted(children, key=lambda r: int(r.data.tags["trial_number"]))


def test_a_study_reaches_its_front_and_a_real_mlflow_server_remembers_it(
    folder: Path, command, server
) -> None:
    status, out, err = command.run(
        *("--space", "space.py", "--trials", "3", "--epochs", "2", "--name", "tiny-1"),
        *("--seed", "5", "--tracking-uri", server.uri),
    )
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("trial ") and "/3, best" in line] == lines[
        2:5
    ]
    assert lines[0] == "Study tiny-1: starting Ray"
    assert lines[1] == "images: 1,438 in 10 classes: 1,151 to train, 287 to validate"
    assert "Front of tiny-1: digits, 3 complete, 2 epochs" in lines
    assert any(line.split()[:3] == ["trial", "mask_count", "learning_rate"] for line in lines)
    page = folder / "studies/tiny-1/front.html"
    assert "studies/tiny-1/front.html" in out
    assert "Plotly.newPlot" in page.read_text()
    assert server.uri in out

    client = MlflowClient(server.uri)
    parent, children = runs(client, "tiny-1")
    assert [r.info.status for r in (parent, *children)] == ["FINISHED"] * 4
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} == {
        "front.html",
        "front.csv",
    }
    for number, child in enumerate(children):
        params, metrics, tags = child.data.params, child.data.metrics, child.data.tags
        assert {"mask_count", "noise_level", "fan_out", "batch_size"} <= set(params)
        assert (params["optimizer"], params["seed"]) == ("sgd", str(5 + number))
        history = client.get_metric_history(child.info.run_id, "val_accuracy")
        assert [m.step for m in history] == [1, 2]
        assert metrics["val_accuracy"] == history[-1].value
        assert {"learnable_params", "mask_values", "macs", "train_seconds"} <= set(metrics)
        assert tags["state"] == "complete"
        assert tags["dataset"] == "digits"
        assert tags["space"] == "tiny <b>space</b>"
        assert tags["pnn.study_seed"] == "5"
        assert tags["device"].startswith(("cpu", "NVIDIA"))
        assert json.loads(tags["pnn.versions"])["torch"]
        assert "mlflow.source.git.commit" in tags

    loaded = MlflowStore(server.uri).load_study("tiny-1")
    assert not loaded.undecodable
    assert [r.state for r in loaded.records] == [RunState.COMPLETE] * 3
    with (folder / "studies/tiny-1/front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        record = loaded.records[int(row["trial"])]
        assert float(row["val_accuracy"]) == record.metrics()["val_accuracy"]
        assert int(row["mask_count"]) == record.parameters["mask_count"]


def test_json_is_one_document_and_the_local_store_is_mlflows_default(folder: Path, command) -> None:
    argv = ("--space", "mixed.py", "--trials", "4", "--epochs", "1", "--sampler", "random")
    status, out, err = command.run(*argv, "--json", *ONE_WORKER)
    assert status == 0
    outcome = json.loads(out)
    states = outcome["trials"]
    assert sum(states.values()) == 4
    assert states["failed"] == len(outcome["failures"]) > 0
    assert all("NonFiniteLossError" in reason for reason in outcome["failures"].values())
    failed = {int(number) for number in outcome["failures"]}
    assert not failed & {trial["number"] for trial in outcome["front"]}
    assert sum(line.startswith("trial ") for line in err.splitlines()) == 4
    assert (folder / "mlflow.db").is_file()
    assert outcome["study"] == "tiny__b_space__b_-digits-1"
    assert any(command.endswith("mlflow ui") for command in outcome["commands"].values())
    _, children = runs(MlflowClient(f"sqlite:///{folder}/mlflow.db"), outcome["study"])
    by_state = {c.data.tags["state"]: c.info.status for c in children}
    assert by_state == {"complete": "FINISHED", "failed": "FAILED"}


def test_a_study_whose_every_trial_failed_says_why_and_ends_with_status_1(
    folder: Path, command
) -> None:
    argv = ("--space", "diverging.py", "--trials", "2", "--epochs", "1", "--quiet", *ONE_WORKER)
    status, out, err = command.run(*argv)
    assert (status, err) == (1, "")
    assert "trials failed: NonFiniteLossError: training loss is" in out
    assert "2 failed" in out


@pytest.mark.skipif(
    not FASHION_MNIST.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)
def test_real_fashion_mnist_trains_through_the_command_line(folder: Path, command) -> None:
    status, out, _ = command.run(
        *("--space", "fashion.py", "--dataset", "fashion_mnist", "--data-dir", str(FASHION_MNIST)),
        *("--trials", "1", "--epochs", "1", "--json"),
    )
    assert status == 0
    (best,) = json.loads(out)["front"]
    assert best["metrics"]["val_accuracy"] > 0.5  # of ten classes


def test_replicates_and_a_confirmation_are_kept_and_compared(confirmed_study) -> None:
    folder, out = confirmed_study
    outcome = json.loads(out)
    loaded = MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study("two")
    assert not loaded.undecodable
    assert (loaded.info.replicates, loaded.info.confirm) == (2, 2)
    for record in loaded.records:
        assert [len(curve) for curve in record.replicates] == [2, 2]
        assert record.replicates[0] != record.replicates[1]
        accuracies = [curve[-1].val_accuracy for curve in record.replicates]
        assert record.metrics()["val_accuracy"] == pytest.approx(sum(accuracies) / 2)
        assert record.parameters["seed"] == 3 + 2 * record.number
    front = [best["number"] for best in outcome["front"]]
    layers = ("perturbation", "conv1x1", "conv3x3", "noise_off")
    assert {(r.trial, r.layer, r.state) for r in loaded.confirmed} == {
        (number, layer, RunState.COMPLETE) for number in front for layer in layers
    }
    assert len(loaded.confirmed) == 2 * len(layers) * len(front)
    for run_ in loaded.confirmed:
        assert run_.result is not None
        # Correct over total.
        correct = run_.result.test_accuracy * TEST_DIGITS
        assert correct == pytest.approx(round(correct))
    assert len(outcome["comparisons"]) == 3 * len(front)
    assert all("(n = 2)" in sentence for sentence in outcome["comparisons"])
    assert "dashboards.report --study two" in outcome["commands"]["Report"]


def test_only_a_confirmation_reads_test_images_and_not_the_search_or_the_tuning_before_it(
    folder: Path, command
) -> None:
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("cats", "dogs"):
            (folder / "images" / part / name).mkdir(parents=True)
            for number in range(10):
                path = folder / "images" / part / name / f"{number}.png"
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    (folder / "images/test/dogs/3.png").write_bytes(b"not an image")
    status, out, _ = command.run(
        *("--space", "space.py", "--dataset", "imagefolder", "--data-dir", "images"),
        *("--trials", "1", "--epochs", "1", "--confirm", "1", "--json", "--name", "tuned"),
        *("--controls", "noise_off", "--tune-controls", "learning_rate=0.001,0.01"),
        *ONE_WORKER,
    )
    assert status == 1
    outcome = json.loads(out)
    assert outcome["trials"] == {"complete": 1}
    assert len(outcome["front"]) == 1
    *_, warning = outcome["warnings"]
    assert warning.startswith("Not confirmed: the test set cannot be read: ")
    assert "images/test/dogs/3.png cannot be read as an image" in warning
    assert outcome["confirmed"] == []
    (folder / "images/test/dogs/3.png").write_bytes(
        (folder / "images/test/cats/3.png").read_bytes()
    )
    status, out, err = command.run("--resume", "--name", "tuned", "--json")
    assert status == 0
    assert "tune trial" not in err  # what was tuned before is not tuned again
    loaded = MlflowStore(f"sqlite:///{folder}/mlflow.db").load_study("tuned")
    assert loaded.info.tune_controls == "learning_rate=0.001,0.01"
    assert {run_.layer for run_ in loaded.confirmed} == {"perturbation", "noise_off"}
    for run_ in loaded.confirmed:
        best = best_point(run_.tuning)
        assert [point.settings for point in run_.tuning] == [
            {"learning_rate": 0.001},
            {"learning_rate": 0.01},
        ]
        assert best is not None
        assert run_.parameters["learning_rate"] == best.settings["learning_rate"]
    shown = open_study("tuned", f"sqlite:///{folder}/mlflow.db").confirmed()
    assert [*shown["learning_rate"]] == [
        run_.parameters["learning_rate"]
        for layer in shown["layer"]
        for run_ in loaded.confirmed
        if run_.layer == layer
    ]
    told = [run_["tuning"][0]["settings"] for run_ in json.loads(out)["confirmed"]]
    assert told == 2 * [{"learning_rate": 0.001}]
    (choice,) = (text for text in json.loads(out)["cautions"] if "its own learning_rate" in text)
    assert "from 2 grid points with 1 seed each" in choice


def test_the_command_line_lists_a_paper_table_with_its_costs(folder: Path, command) -> None:
    status, out, _ = command.run(
        "--space", "paper_table5", "--dataset", "cifar10", "--dry-run", "--json"
    )
    assert status == 0
    trials = json.loads(out)["trials"]
    paper = {160: 1.3, 128: 2.0, 96: 3.5, 64: 7.9, 32: 31.0, 16: 120.1, 8: 451.1}
    assert len(trials) == len(paper)
    for trial in trials:
        ratio = paper[trial["parameters"]["mask_count"]]
        assert 11_173_962 / trial["costs"]["learnable_params"] == pytest.approx(ratio, rel=0.02)
        assert {"learnable_params", "mask_values", "macs"} <= set(trial["costs"])


@pytest.fixture
def running_cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a cluster that somebody else started, with Ray's token authentication."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block"]
    command += [f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
    command += ["--disable-usage-stats", "--labels=zone=a"]
    with (tmp_path / "ray.log").open("wb") as log:
        cluster = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 60
    while b"runtime started" not in (tmp_path / "ray.log").read_bytes():
        assert time.monotonic() < deadline, (tmp_path / "ray.log").read_text()
        time.sleep(0.2)
    yield f"127.0.0.1:{port}"
    cluster.send_signal(signal.SIGTERM)
    cluster.wait(timeout=30)


def test_a_study_runs_on_a_running_cluster(folder: Path, command, running_cluster: str) -> None:
    argv = ("--space", "space.py", "--trials", "2", "--epochs", "1", "--json")
    argv += ("--address", running_cluster, "--node-labels")
    status, out, err = command.run(*argv, "zone=b")
    assert (status, out) == (2, "")
    assert "--node-labels zone=b: no node has them: nodes of this cluster have zone=a" in err
    status, out, err = command.run(*argv, "zone=a")
    assert status == 0, err
    outcome = json.loads(out)
    assert outcome["trials"] == {"complete": 2}
    assert f"--address {running_cluster}" in outcome["commands"]["Larger"]


def test_a_driver_that_is_told_to_end_together_with_its_cluster_says_how_to_go_on(
    folder: Path, command, running_cluster: str
) -> None:
    """Slurm signals every process of a job that it cancels, and kills what is left after 30 s."""
    argv = ("--space", "space.py", "--trials", "50", "--epochs", "20", "--name", "told")
    process = command.start(*argv, "--address", running_cluster)
    assert process.stdout is not None
    while "complete" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    port = running_cluster.rpartition(":")[2]
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(other.cmdline())
            if f":{port}" in words and "ray" in words and other.pid != process.pid:
                other.kill()
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 25
    assert process.returncode == 130
    assert "-m study.run --resume --name told" in err.splitlines()[-1]


def test_a_dry_run_lists_a_grid_with_its_costs_and_makes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {*folder.iterdir()}
    monkeypatch.chdir(folder)
    argv = ("--space", "noise_masks", "--sampler", "grid", "--dataset", "cifar10")
    assert main([*argv, "--trials", "20", "--dry-run", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    trials = json.loads(out)["trials"]
    assert len(trials) == 20
    first = {"mask_count": 8, "noise_level": 0.01, "fan_out": 1, "batch_size": 10}
    assert first.items() <= trials[0]["parameters"].items()
    assert trials[0]["costs"]["learnable_params"] == 24914
    assert json.loads(out)["rungs"] == []
    assert {*folder.iterdir()} == before


def test_a_dry_run_tells_after_which_epochs_trials_would_be_compared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = ("--space", "noise_masks", "--trials", "1", "--scheduler", "moasha", "--epochs", "30")
    assert main([*argv, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.endswith("moasha would compare trials after epochs 2, 6, 18 of 30\n")


def test_spaces_are_listed_with_a_line_each(tmp_path: Path, command) -> None:
    status, out, err = command.run("--list-spaces")
    assert (status, err) == (0, "")
    assert out.startswith("noise_masks: mask count, noise level, fan-out and batch size")
