"""The end of a study says what was made and what to type next."""

import io
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pnn_core.config import ConfirmResult, Costs, EpochResult
from study.execution.export import describe_study, with_page
from study.execution.final_words import LINES, final_words, print_final_words
from study.execution.next_commands import next_commands, resume_command
from study.execution.summary import Outcome
from study.program import installed
from study.results.early_stop import EarlyStop, StopCause
from study.results.kept_weights import KeptWeights
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.stopping.rungs import Rungs

EPOCH = EpochResult(
    epoch=1, train_loss=1.0, val_loss=1.0, val_accuracy=0.9, train_seconds=1.0, val_seconds=1.0
)

REASONS = {
    RunState.FAILED: "[red]broken[/red]",
    RunState.PRUNED: "stopped at epoch 3: [red]rank 9[/red] of 12, 4 may go on",
}

RESUME = "python -m study.run --resume --name test"


@pytest.fixture
def outcome(make_config) -> Callable[..., Outcome]:
    def make(*states: RunState, **changes: object) -> Outcome:
        config = make_config(trials=len(states), epochs=1, output=Path("studies/test"))
        records = tuple(
            RunRecord(
                key=RunKey(number),
                state=state,
                parameters={"mask_count": 4, "noise_level": 0.5},
                costs=Costs(learnable_params=1234, mask_values=1, macs=1),
                replicates=((EPOCH,),) if state is RunState.COMPLETE else (),
                reason=REASONS.get(state, ""),
            )
            for number, state in enumerate(states)
        )
        settings: dict = {
            "config": config,
            "info": describe_study(config),
            "records": records,
            "commands": {"Look": "mlflow ui"},
            "resume": "python -m study.run --resume --name test",
            "validation_images": 287,
        }
        return Outcome(**{**settings, **changes})

    return make


def printed(outcome: Outcome) -> str:
    stream = io.StringIO()
    print_final_words(outcome, stream)
    return stream.getvalue()


def test_it_prints_the_front_the_picture_and_the_commands(outcome) -> None:
    text = printed(outcome(RunState.COMPLETE, RunState.FAILED))
    assert "Front of test: digits, 1 complete, 1 failed, 1 epoch" in text
    header, row = (
        line.split() for line in text.splitlines() if "1,234" in line or "mask_c" in line
    )
    assert header == ["trial", "mask_count", "noise_level", "learnable_params", "val_accuracy"]
    assert row == ["0", "4", "0.5", "1,234", "0.9000"]
    assert "studies/test/front.html" in text
    assert "Weights  none are kept (--weights none)" in text
    assert "Look     mlflow ui" in text


def test_it_says_in_one_line_which_weights_are_kept_and_how_large_they_are(outcome) -> None:
    folder = Path("studies/test/weights")
    keys = RunKey(0), RunKey(3), RunKey(0, "conv3x3", 7)
    kept = KeptWeights(
        folder=folder,
        files=dict.fromkeys(keys, (folder / "file",)),
        sizes=dict(zip(keys, (1000, 500_000, 1_000_000), strict=True)),
    )
    ended = outcome(RunState.COMPLETE, weights=kept)
    said = f"Weights  {folder} (2 trials of the front and 1 confirmed run, 1.5 MB)\n"
    assert said in printed(ended)
    assert ended.as_json()["weights"] == {
        "folder": str(folder),
        "trials": 2,
        "confirmed": 1,
        "lacking": 0,
        "bytes": 1_501_000,
    }
    lacking = replace(ended, weights=replace(kept, lacking=(RunKey(5),)))
    assert "; 1 run without: --rerun trains a trial again)" in printed(lacking)


def test_failures_are_counted_with_their_reason_word_for_word(outcome) -> None:
    text = printed(outcome(RunState.COMPLETE, RunState.FAILED, RunState.FAILED))
    assert "2 of 3 trials failed: [red]broken[/red]" in text


def test_stops_are_counted_by_rung_and_never_on_the_front(outcome) -> None:
    ended = outcome(RunState.COMPLETE, RunState.PRUNED, RunState.PRUNED)
    at_one = replace(ended.records[1], stop=EarlyStop(epoch=1, cause=StopCause.NOT_FINITE))
    stop = EarlyStop(epoch=3, cause=StopCause.RANK, rank=9, of=12, admitted=4)
    at_three = replace(ended.records[2], stop=stop)
    ended = replace(ended, records=(ended.records[0], at_one, at_three))
    assert "\n2 of 3 trials stopped early: 1 at epoch 1, 1 at epoch 3\n" in printed(ended)
    document = json.loads(json.dumps(ended.as_json()))
    assert document["stops"] == {"1": at_one.reason, "2": str(stop)}
    assert [trial["number"] for trial in document["front"]] == [0]


def test_a_study_that_stopped_none_says_nothing_of_it(outcome) -> None:
    assert "stopped early" not in printed(outcome(RunState.COMPLETE))


def test_warnings_are_said(outcome) -> None:
    assert "MLflow lacks 2 trials" in printed(
        outcome(RunState.COMPLETE).with_warning("MLflow lacks 2 trials")
    )


def test_json_holds_the_front_with_whole_configurations(outcome) -> None:
    document = json.loads(json.dumps(outcome(RunState.COMPLETE, RunState.FAILED).as_json()))
    assert document["trials"] == {"complete": 1, "failed": 1}
    assert document["failures"] == {"1": "[red]broken[/red]"}
    (best,) = document["front"]
    assert best["number"] == 0
    assert best["parameters"] == {"mask_count": 4, "noise_level": 0.5}
    assert best["metrics"]["val_accuracy"] == 0.9


def test_json_holds_confirmed_runs_with_the_images_that_were_right(outcome) -> None:
    result = ConfirmResult(
        train_loss=0.1,
        test_accuracy=0.5,
        published_test_accuracy=0.5,
        train_seconds=1.0,
        test_images=8,
        correct_images=b"\xf0",
    )
    run = RunRecord(
        key=RunKey(0, "conv1x1", 3), state=RunState.COMPLETE, parameters={}, result=result
    )
    (found,) = json.loads(json.dumps(outcome(RunState.COMPLETE, confirmed=(run,)).as_json()))[
        "confirmed"
    ]
    assert (found["layer"], found["seed"], found["metrics"]["test_accuracy"]) == ("conv1x1", 3, 0.5)
    assert (found["result"]["test_accuracy"], found["result"]["correct_images"]) == (0.5, "8A==")


@pytest.mark.parametrize(
    ("store", "command"),
    [
        (None, "mlflow ui"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:///my folder/x.db", "mlflow ui --backend-store-uri 'sqlite:///my folder/x.db'"),
    ],
)
def test_the_way_to_mlflow_fits_the_store(make_config, store: str | None, command: str) -> None:
    commands = next_commands(make_config(), ["--data-dir", "my data"], store, RESUME)
    live, look, more, larger = commands.values()
    assert "-m dashboards.app" in live
    assert ("--tracking-uri" in live) == (store is not None)
    assert look.endswith(command)
    assert more == "python -m study.run --resume --name test --trials 12"
    assert "-m study.run --data-dir 'my data' --trials 12 --epochs 10" in larger


def test_a_grid_has_no_more_trials_to_offer(make_config) -> None:
    grid = replace(make_config().space, is_grid=True)
    commands = next_commands(make_config(space=grid), [], None, RESUME)
    assert not any("--trials" in command for command in commands.values())


def test_a_space_that_holds_no_more_is_offered_more_epochs_and_no_more_trials(make_config) -> None:
    commands = next_commands(make_config(trials=5), [], None, RESUME, exhausted=True)
    assert "More" not in commands
    assert "-m study.run --trials 5 --epochs 10" in commands["Larger"]


def test_a_larger_study_is_offered_with_early_stopping_where_that_pays(make_config) -> None:
    rungs = Rungs(first=1, reduction_factor=3, epochs=2)
    sizes_alone = parse_objectives("learnable_params,macs")
    for changes, stops in (
        ({}, True),
        ({"rungs": rungs}, False),  # as typed for this study, so repeated anyway
        ({"sampler": "grid"}, False),
        ({"objectives": sizes_alone}, False),
    ):
        commands = next_commands(make_config(**changes), [], None, RESUME)
        assert commands["Larger"].endswith("--epochs 10 --scheduler moasha") == stops
        assert "moasha" not in commands["More"]


def test_a_trial_that_was_run_again_has_nothing_larger_to_offer(make_config) -> None:
    commands = next_commands(make_config(), None, None, RESUME)
    assert [command.rpartition("/")[2] for command in commands.values()] == [
        "python -m dashboards.app",
        "mlflow ui",
    ]


def test_programs_are_named_as_they_can_be_typed_here(monkeypatch, tmp_path: Path) -> None:
    folder = tmp_path / ".venv/bin"
    folder.mkdir(parents=True)
    for name in ("python", "mlflow"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert installed("mlflow") == ".venv/bin/mlflow"
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin")
    assert installed("mlflow") == "mlflow"


def test_how_far_luck_reaches_is_said_from_the_number_of_validation_images(outcome) -> None:
    """√(0.9 · 0.1 / 287) = 0.0177."""
    text = printed(outcome(RunState.COMPLETE))
    assert "287 validation images, 1 seed a trial: standard error of the best 1.8 points" in text


def test_passwords_are_not_repeated(make_config) -> None:
    typed = ["--tracking-uri", "http://me:secret@host"]
    assert "secret" not in "".join(next_commands(make_config(), typed, None, RESUME).values())


def test_an_interrupted_study_says_what_is_kept_and_how_to_go_on(outcome) -> None:
    states = (RunState.COMPLETE, RunState.PAUSED, RunState.PAUSED)
    text = printed(outcome(*states).as_interrupted())
    assert "Front of test: digits, 1 complete, 2 paused, 1 epoch" in text
    assert "Interrupted: 1 of 3 trials are complete, 2 paused where they stood" in text
    assert text.endswith(f"Go on    {RESUME}\n")
    assert "mlflow ui" not in text


def test_an_interrupted_confirmation_is_told_as_such(outcome) -> None:
    text = printed(outcome(RunState.COMPLETE, planned_confirmations=4).as_interrupted())
    assert "Interrupted during the confirmation: 1 of 1 trials are complete" in text


def test_the_document_has_the_way_to_go_on(outcome) -> None:
    assert outcome(RunState.COMPLETE).as_json()["resume"] == RESUME


def test_what_goes_on_with_a_study_needs_its_name_alone(make_config, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = make_config(output=Path("studies/test"), storage="sqlite:////db", checkpoints="s3://b")
    command = resume_command(config, "http://127.0.0.1:5000")
    assert command.endswith("-m study.run --resume --name test")


def test_a_folder_elsewhere_is_named_and_quoted(make_config) -> None:
    command = resume_command(make_config(output=Path("my folder/a")), None)
    assert command.endswith("--resume --name test --output 'my folder/a'")


def test_a_url_with_a_password_is_asked_for_masked(make_config, monkeypatch) -> None:
    urls = {
        "--tracking-uri": "http://me:s3cret@host",
        "--storage": "postgresql://me:s3cret@host/db",
        "--checkpoints": "s3://key:s3cret@bucket",
    }
    config = make_config(storage=urls["--storage"], checkpoints=urls["--checkpoints"])
    command = resume_command(config, urls["--tracking-uri"])
    assert "s3cret" not in command
    words = shlex.split(command)
    for flag, url in urls.items():
        assert words[words.index(flag) + 1] == url.replace("s3cret", "***")
    monkeypatch.setenv("OPTUNA_STORAGE", urls["--storage"])
    assert "--storage" not in resume_command(config, None)


def test_a_page_that_cannot_be_drawn_or_written_costs_no_result(outcome, tmp_path) -> None:
    ended = outcome(RunState.COMPLETE)
    ended = replace(ended, config=replace(ended.config, output=tmp_path))
    ended.page.mkdir()  # whatever stands in the way
    (warning,) = with_page(ended).warnings
    assert warning.startswith("The page of pictures is not that of this end (is a directory)")
    assert warning.endswith("-m dashboards.export --study test")
    assert "1,234" in printed(with_page(ended))


def confirmed(outcome: Callable[..., Outcome], seeds: int) -> Outcome:
    """A study of nine trials on the front, each confirmed beside three controls."""
    ended = outcome(*[RunState.COMPLETE] * 9)
    records = tuple(
        replace(
            record,
            replicates=((replace(EPOCH, val_accuracy=0.5 + 0.05 * record.number),),),
            costs=Costs(learnable_params=1000 * (1 + record.number), mask_values=1, macs=1),
        )
        for record in ended.records
    )
    runs = tuple(
        RunRecord(
            key=RunKey(record.number, layer, seed),
            state=RunState.COMPLETE,
            parameters=record.parameters,
            costs=record.costs,
            result=ConfirmResult(
                train_loss=0.1,
                test_accuracy=0.9 + 0.001 * ((seed + 3 * len(layer)) % 7),
                published_test_accuracy=0.9,
                train_seconds=1.0,
            ),
        )
        for record in records
        for layer in ("perturbation", "conv1x1", "conv3x3", "noise_off")
        for seed in range(seeds)
    )
    config = replace(ended.config, confirm=seeds)
    typed = ["--space", "noise_masks", "--confirm", str(seeds)]
    return replace(
        ended,
        config=config,
        records=records,
        confirmed=runs,
        planned_confirmations=len(runs),
        commands=next_commands(config, typed, None, RESUME),
    )


@pytest.mark.parametrize("seeds", [1, 5])
def test_the_final_words_of_a_confirmed_study_fit_one_screen(outcome, seeds) -> None:
    ended = confirmed(outcome, seeds)
    lines = final_words(ended)
    assert sum(max(1, -(-len(line) // 80)) for line in lines) <= LINES
    assert lines[0].startswith("Front of test: digits, 9 complete")
    (verdict,) = (line for line in lines if "trial 8 over noise off: " in line and "others" in line)
    assert f"n = {seeds}" in verdict
    assert "26 others" in verdict
    assert lines[-1].startswith("Larger   ")


def test_the_best_of_a_front_are_shown_whatever_stands_below(outcome) -> None:
    ended = confirmed(outcome, 5)
    lines = final_words(ended, height=10)
    table = lines[2:]
    assert [line.split()[0] for line in table[1:4]] == ["8", "7", "6"]
    assert table[4] == "… and 6 more: studies/test/front.csv"
    assert "more:" not in "\n".join(final_words(ended, height=60))


def test_forty_columns_and_a_screen_reader_get_words(outcome) -> None:
    lines = final_words(confirmed(outcome, 5), width=40, height=60, with_bars=False)
    assert any(line.startswith("trial 8, mask_count 4, noise_level 0.5") for line in lines)
    assert any(line.startswith("trial 8 over 1×1: ") for line in lines)
    assert not any("-o-" in line for line in lines)
