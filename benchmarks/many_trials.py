"""Cost of a study of many trials for its driver: memory, a proposal, and resuming.

A storage is filled with trials that ended (generated, as `generated_study.py` does; written as
`study.search.optuna_storage` does), then a driver takes the study up and goes on: it proposes
a trial and records its end, again and again. Nothing is trained. Each measurement has a process of
its own.

    python benchmarks/many_trials.py --trials 100,1000,10000
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from generated_study import DIGITS, generated_trials
from machine import print_footer, say
from optuna.trial import FrozenTrial, create_trial

from search_spaces.noise_masks import SPACE
from study.config import StudyConfig
from study.results.objective import parse_objectives
from study.results.provenance import library_versions
from study.results.record_codec import record_to_json
from study.results.run_record import RunRecord, RunState
from study.search.messages import EpochReport
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import OPTUNA_STATES, TrialManager

EPOCHS = 5
CYCLES = 10


def study_config(folder: Path, sampler: str, trials: int) -> StudyConfig:
    """A study of the generated trials and a few more."""
    return StudyConfig(
        name="many",
        study_id="0" * 32,
        space=SPACE(DIGITS),
        dataset="digits",
        shape=DIGITS,
        trials=trials + CYCLES,
        epochs=EPOCHS,
        replicates=1,
        confirm=0,
        seed=0,
        objectives=parse_objectives("val_accuracy,learnable_params"),
        sampler=sampler,
        output=folder,
        storage=None,
        checkpoints=str(folder / "checkpoints"),
        keep_checkpoints=False,
        address=None,
    )


def fill(folder: Path, trials: int) -> None:
    """Write a storage that holds so many ended trials."""
    config = study_config(folder, "random", trials)
    storage = StudyStorage(config)
    for record in generated_trials(trials + 8, EPOCHS):  # the last ones of those still run
        if record.state.is_final:
            storage.study.add_trial(ended_trial(config, record))


def ended_trial(config: StudyConfig, record: RunRecord) -> FrozenTrial:
    """A trial as Optuna's storage holds it."""
    axes = dict(config.space.axes)
    complete = record.state is RunState.COMPLETE
    trial: FrozenTrial = create_trial(
        params={axis: record.parameters[axis] for axis in axes},
        distributions=axes,
        values=record.values(config.objectives) if complete else None,
        state=OPTUNA_STATES[record.state],
        user_attrs={"started_ms": record.started_ms, "record": record_to_json(record)},
    )
    return trial


def go_on(folder: Path, sampler: str, trials: int) -> str:
    """Take a study up and run a few trials of it; a line of figures."""
    memory = psutil.Process().memory_info
    before = memory().rss
    started = time.perf_counter()
    config = study_config(folder, sampler, trials)
    manager = TrialManager(config, StudyStorage(config), [])
    restoring = time.perf_counter() - started
    done = next(r for r in manager.records if r.state is RunState.COMPLETE)
    costs = done.costs
    if costs is None:
        raise RuntimeError("a complete trial has its costs")
    report = EpochReport(replicates=done.replicates, costs=costs, device="cpu", worker="here:1")
    proposing, recording = [], []
    for _ in range(CYCLES):
        started = time.perf_counter()
        proposed = manager.propose()
        if not proposed:
            raise RuntimeError("the study ended too early")
        proposing.append(time.perf_counter() - started)
        started = time.perf_counter()
        manager.run_started(proposed[0].key)
        manager.epoch_finished(proposed[0].key, report)
        manager.run_stopped(proposed[0].key)
        recording.append(time.perf_counter() - started)
    propose, record = statistics.median(proposing[1:]), statistics.median(recording)
    megabytes = (memory().rss - before) / 2**20
    return (
        f"| {sampler} | {trials} | {1000 * propose:.0f} | {1000 * record:.0f} | "
        f"{restoring:.2f} | {megabytes:.0f} |"
    )


def main() -> int:
    """Measure each sampler at each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", default="100,1000,10000")
    parser.add_argument("--samplers", default="tpe,nsga2,random")
    parser.add_argument("--go-on", nargs=3, metavar=("FOLDER", "SAMPLER", "TRIALS"))
    arguments = parser.parse_args()
    if arguments.go_on:
        folder, sampler, trials = arguments.go_on
        print(go_on(Path(folder), sampler, int(trials)))
        return 0
    print("| sampler | trials | proposal, ms | recording, ms | resuming, s | memory, MiB |")
    print("|---|---:|---:|---:|---:|---:|")
    for sampler in arguments.samplers.split(","):
        for trials in map(int, arguments.trials.split(",")):
            with tempfile.TemporaryDirectory(prefix="many-trials-") as folder:
                say(f"{sampler}, {trials} trials")
                fill(Path(folder), trials)
                command = [sys.executable, __file__, "--go-on", folder, sampler, str(trials)]
                subprocess.run(command, check=True)
    print_footer(library_versions())
    return 0


if __name__ == "__main__":
    sys.exit(main())
