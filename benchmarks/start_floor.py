"""Start of a study and start of Ray alone, timed in turns.

    .venv/bin/python benchmarks/start_floor.py

- Ray alone: `ray_start.py`: import it, start it, a worker for each core that imports torch, end
- this project: `python -m study.run` with a trial for each core, one epoch of the digits each

No front can be reached sooner than Ray's workers are ready.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from machine import print_footer, say
from study_overhead import ENVIRONMENT, HERE

from study.results.provenance import library_versions

FIRST_RESULT = re.compile(r"trial \d+ complete")


class Start(NamedTuple):
    """One run.

    Attributes:
        ready_seconds: Seconds until a worker could train (Ray), or a trial was complete (study).
        whole_seconds: Seconds of the whole command.
    """

    ready_seconds: float
    whole_seconds: float


def start_ray(folder: Path) -> Start:
    """Start Ray alone."""
    started = time.perf_counter()
    command = [sys.executable, str(HERE / "ray_start.py")]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return Start(float(said.stdout), time.perf_counter() - started)


def start_study(folder: Path) -> Start:
    """Run the smallest study that occupies every core."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "study.run", "--space", "noise_masks", "--sampler", "random"]
    command += ["--trials", str(os.cpu_count() or 1), "--epochs", "1"]
    study = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert study.stdout is not None
    ready = None
    for line in study.stdout:
        if ready is None and FIRST_RESULT.match(line):
            ready = time.perf_counter() - started
    if study.wait() or ready is None:
        raise RuntimeError(f"the study ended with {study.returncode}")
    return Start(ready, time.perf_counter() - started)


SIDES = {"Ray alone": start_ray, "this project": start_study}


def main() -> int:
    """Run both sides in turn and print their medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="default: 5; medians are printed")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error("accepted are --repeats from 1")
    os.environ.update(ENVIRONMENT)
    starts: dict[str, list[Start]] = {side: [] for side in SIDES}
    for repeat in range(arguments.repeats):
        for side, start in SIDES.items():
            with tempfile.TemporaryDirectory() as folder:
                starts[side].append(start(Path(folder)))
            say(f"repeat {repeat + 1}: {side}: {starts[side][-1].whole_seconds:.1f} s")
    print("| | ready, s | whole command, s |\n|---|---:|---:|")
    for side, found in starts.items():
        ready = statistics.median(start.ready_seconds for start in found)
        whole = statistics.median(start.whole_seconds for start in found)
        print(f"| {side} | {ready:.2f} | {whole:.2f} |")
    print_footer(library_versions())
    return 0


if __name__ == "__main__":
    sys.exit(main())
