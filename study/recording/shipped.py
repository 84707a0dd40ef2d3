"""Recorded table that comes with this project."""

from pathlib import Path

DIGITS_TABLE = Path(__file__).with_name("pnn_bench_digits.parquet")
"""PNN-Bench on the digits: 320 configurations, 3 seeds each, 27 epochs (`docs/pnn_bench.md`)."""
