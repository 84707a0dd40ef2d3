"""A study opened in a script, or in a terminal, says what its tracker holds."""

import json
import math
import subprocess
import sys

import pytest

import study
from study.__main__ import COMMANDS, main
from study.results.front_table import front_table
from study.results.mlflow.store import MlflowStore
from study.results.mlflow.study_names import UnknownStudyError
from study.results.pareto import front

NAME = "two"


@pytest.fixture(scope="module")
def tracker(confirmed_study) -> str:
    folder, _ = confirmed_study
    return f"sqlite:///{folder}/mlflow.db"


def test_its_trials_and_front_are_data_frames_of_what_the_tracker_holds(tracker: str) -> None:
    opened = study.open_study(NAME, tracker)
    stored = MlflowStore(tracker).load_study(NAME)
    trials = opened.trials()
    assert [*trials["trial"]] == [r.number for r in stored.records]
    assert [*trials["val_accuracy"]] == [r.metrics()["val_accuracy"] for r in stored.records]
    best = opened.front()
    expected = front(stored.records, stored.info.objectives)
    assert [*best["trial"]] == [r.number for r in expected]
    confirmed = opened.confirmed()
    for row in best.itertuples():
        mine = confirmed[(confirmed["trial"] == row.trial) & (confirmed["layer"] == row.layer)]
        accuracies = [
            run.result.test_accuracy
            for run in stored.confirmed
            if run.result and run.trial == row.trial and run.layer == row.layer
        ]
        assert [*mine["test_accuracy"]] == [row.test_accuracy]
        assert math.isclose(row.test_accuracy, sum(accuracies) / len(accuracies))


def test_a_query_chooses_trials_and_a_figure_is_plotlys(tracker: str) -> None:
    import plotly.graph_objects as go

    opened = study.open_study(NAME, tracker)
    assert [*opened.trials("trial == 1")["trial"]] == [1]
    assert isinstance(opened.figure(), go.Figure)
    with pytest.raises(ValueError, match="did you mean front"):
        opened.figure("frnt")
    with pytest.raises(UnknownStudyError, match=f"did you mean '{NAME}'"):
        study.open_study("twoo", tracker)


def test_the_terminal_shows_the_same(tracker: str, capsys) -> None:
    stored = MlflowStore(tracker).load_study(NAME)
    uri = ("--tracking-uri", tracker)
    assert main(["list", *uri, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [NAME]
    assert main(["show", NAME, *uri, "--where", "trial == 1"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith(f"1 of {len(stored.records)} trials\n")
    assert main(["show", NAME, *uri, "--confirmed"]) == 0
    table, _, _ = capsys.readouterr().out.partition("\n\n")
    assert len(table.splitlines()) == 1 + len({run.key[:2] for run in stored.confirmed})
    assert main(["best", NAME, *uri]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    best = front(stored.records, stored.info.objectives)
    assert [int(row.split()[0]) for row in rows] == [record.number for record in best]
    last = [row[-1] for row in front_table(best, (), stored.info.objectives).rows]
    assert [row.split()[-1] for row in rows] == last
    assert main(["best", NAME, *uri, "--json"]) == 0
    assert [row["trial"] for row in json.loads(capsys.readouterr().out)] == [r.number for r in best]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shwo"], "'shwo' is no command: accepted are run, list, show"),
        (["show"], "NAME is missing"),
        (["show", "twoo"], "did you mean 'two'?"),
        (["show", NAME, "--where", "fan_out ="], "--where 'fan_out =': 'fan_out =' is no query"),
        (["show", NAME, "--where", "fan_outt == 2"], "did you mean fan_out?"),
        (["best", NAME, "--jsn"], "did you mean --json?"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(tracker, capsys, monkeypatch, words, said) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert said in captured.err


def test_every_command_is_in_the_help_and_there(capsys) -> None:
    import importlib

    assert main([]) == 0
    shown = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"  {name}" in shown
        assert callable(getattr(importlib.import_module(command.module), command.function))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pnn-study 0.")


def test_one_command_for_all_ends_with_the_status_of_what_it_calls() -> None:
    def status(*words: str) -> int:
        command = [sys.executable, "-m", "study", *words]
        return subprocess.run(command, capture_output=True).returncode

    assert status("--version") == 0
    assert status("shwo") == 2
