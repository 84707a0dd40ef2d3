"""A metric of an epoch that is declared in one place reaches every store, and older ones are read.

The declaration is written into a copy of the packages, as somebody would who adds a metric.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pnn_core.config import EPOCH_METRICS
from study.recording.shipped import DIGITS_TABLE
from study.results.mlflow.run_format import state_tags
from study.results.record_codec import record_to_json
from study.results.run_record import RunState

ROOT = Path(__file__).resolve().parents[3]
NEXT = "\n\n@dataclass(frozen=True, kw_only=True)\nclass Measurements"
DECLARATION = '    gradient_norm: Annotated[float, Metric(label="gradient norm")] = math.nan\n'

CHECKS = """
import dataclasses, json, math, sys
from pathlib import Path

from study.recording.columns import from_arrow, to_arrow
from study.recording.parquet import read_table
from study.results.mlflow import run_format
from study.results.objective import OBJECTIVES
from study.results.record_codec import record_from_json, record_to_json

table, document, tags = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])


def decode(tags, metrics=(), curves=()):
    return run_format.decode_run({}, tags, dict(metrics), curves, started_ms=None, ended_ms=None)


older = record_from_json(document)
assert "gradient_norm" not in older.metrics()
assert all(math.isnan(result.gradient_norm) for result in older.epochs)
assert record_to_json(decode(tags)) == record_to_json(older)
configurations = read_table(Path(table)).configurations
assert math.isnan(configurations[0].curves[0][0].gradient_norm)
series = {name: {} for name in run_format.SERIES.values()}
for result in older.epochs:
    assert "gradient_norm" not in run_format.epoch_metrics(result)
    for name, value in run_format.epoch_metrics(result).items():
        series[name][result.epoch] = value
(curve,) = run_format.curves_from_series(series)
assert len(curve) == len(older.epochs)

assert OBJECTIVES["gradient_norm"].label == "gradient norm"
curve = tuple(dataclasses.replace(r, gradient_norm=1 / r.epoch) for r in older.epochs)
newer = dataclasses.replace(older, replicates=(curve, curve))
assert newer.metrics()["gradient_norm"] == 1 / len(curve)
assert record_from_json(json.loads(json.dumps(record_to_json(newer)))) == newer
assert decode({"trial_number": "0", **run_format.state_tags(newer)}) == newer
series = {name: {} for name in run_format.SERIES.values()}
for result in newer.epochs:
    for name, value in run_format.epoch_metrics(result).items():
        series[name][result.epoch] = value
assert run_format.curves_from_series(series) == (newer.epochs,)
epochs = configurations[0].curves[0]
curve = tuple(dataclasses.replace(r, gradient_norm=1 / r.epoch) for r in epochs)
(before,) = [dataclasses.replace(configurations[0], curves=(curve,))]
assert from_arrow(to_arrow([before])) == (before,)
print("all is read")
"""


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """A copy of the packages in which one more metric is declared."""
    for package in ("pnn_core", "search_spaces", "study"):
        ignored = shutil.ignore_patterns("__pycache__", "*.parquet")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    file = tmp_path / "pnn_core/config/measured.py"
    text = file.read_text(encoding="utf-8")
    assert NEXT in text
    text = text.replace(NEXT, DECLARATION + NEXT).replace(
        "from dataclasses", "import math\nfrom dataclasses", 1
    )
    file.write_text(text, encoding="utf-8")
    return tmp_path


def test_one_declaration_adds_a_metric_and_leaves_older_studies_readable(record, extended):
    assert "gradient_norm" not in EPOCH_METRICS
    trial = replace(record(0, RunState.COMPLETE, epochs=3))
    tags = {"trial_number": "0", **state_tags(trial)}
    arguments = [str(DIGITS_TABLE), json.dumps(record_to_json(trial)), json.dumps(tags)]
    done = subprocess.run(
        [sys.executable, "-c", CHECKS, *arguments],
        capture_output=True,
        text=True,
        cwd=extended,
        env={**os.environ, "PYTHONPATH": str(extended)},
        timeout=120,
    )
    assert done.stdout == "all is read\n", done.stderr
