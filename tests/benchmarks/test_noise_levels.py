"""The page on PNN-Bench shows what its table says of noise levels."""

import importlib
from pathlib import Path

from study.recording.shipped import DIGITS_TABLE

ROOT = Path(__file__).parents[2]


def test_the_page_has_the_table_that_the_benchmark_prints(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    table = importlib.import_module("noise_levels").noise_levels(DIGITS_TABLE)
    assert table in (ROOT / "docs/pnn_bench.md").read_text(encoding="utf-8")
    assert "| 1 | +4.0 [+1.9, +6.1] |" in table
