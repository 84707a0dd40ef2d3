import importlib
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def overhead(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("study_overhead")


@pytest.fixture
def tree(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("process_tree")


def make_run(overhead, tree, *, trials, start_up, per_trial):
    training = 3.0 * trials
    return overhead.Run(
        trials=trials,
        wall_seconds=10.0,
        cpu_seconds={
            tree.Role.DRIVER: start_up,
            tree.Role.WORKER: training + per_trial * trials,
            tree.Role.DAEMON: 0.0,
        },
        training_seconds=training,
        training_cpu_seconds=training,
        val_accuracy=0.5,
    )


def test_overhead_splits_into_start_up_and_what_each_trial_adds(overhead, tree):
    pair = overhead.Pair(
        few=make_run(overhead, tree, trials=4, start_up=20.0, per_trial=0.25),
        many=make_run(overhead, tree, trials=16, start_up=20.0, per_trial=0.25),
    )
    values = {row.name: row.value(pair) for row in overhead.rows(cores=2)}
    assert values["overhead CPU-s per trial, start-up left out"] == pytest.approx(0.25)
    assert values["start-up, CPU-s"] == pytest.approx(20.0)
    assert values["overhead CPU-s per trial, all"] == pytest.approx(0.25 + 20.0 / 16)
    assert values["ideal wall time, s"] == pytest.approx(16 * 3.0 / 2)


def test_table_shows_medians_and_the_study_over_the_recipe(overhead):
    row = overhead.Row(name="seconds", value=lambda pair: pair)
    table = overhead.format_table([row], recipes=[10.0, 12.0, 99.0], studies=[3.0, 2.0, 50.0])
    assert table.splitlines()[-1] == "| seconds | 12.00 | 3.00 | 0.25 |"


START = "import subprocess, sys, time\nsubprocess.Popen([sys.executable, sys.argv[1]])\n"
BURN_A_SECOND = "import time\nwhile time.process_time() < 1.0: pass\n"


def test_processor_time_of_an_orphan_is_counted(tree, tmp_path):
    (tmp_path / "burn.py").write_text(BURN_A_SECOND)
    (tmp_path / "parent.py").write_text(START + "time.sleep(0.6)\n")
    (tmp_path / "root.py").write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, 'parent.py', 'burn.py'])\n"
    )
    usage = tree.measure([sys.executable, "root.py"], tmp_path)
    assert 0.6 < sum(usage.cpu_seconds.values()) < 2.0


def test_wall_time_ends_with_the_command_and_not_with_its_orphans(tree, tmp_path):
    (tmp_path / "sleep.py").write_text("import time\ntime.sleep(3)\n")
    started = time.perf_counter()
    usage = tree.measure([sys.executable, "-c", START + "time.sleep(0.5)", "sleep.py"], tmp_path)
    assert time.perf_counter() - started - usage.wall_seconds > 1.0


def test_a_command_that_fails_is_refused_with_what_it_printed(tree, tmp_path):
    with pytest.raises(tree.CommandFailedError, match="no such luck"):
        tree.measure([sys.executable, "-c", "raise SystemExit('no such luck')"], tmp_path)
