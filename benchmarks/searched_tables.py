"""Tables that searches are compared on: the recorded one, and those whose fronts are known."""

from functools import cache

from known_fronts import MEMBERS, make_table

from study.recording.parquet import read_table
from study.recording.shipped import DIGITS_TABLE
from study.recording.table import RecordedTable
from study.results.objective import parse_objectives

SEEDS = 30
OBJECTIVES = parse_objectives("val_accuracy,learnable_params")
PNN_BENCH = "pnn_bench"


@cache
def find_table(name: str) -> RecordedTable:
    """Find a table by its name: `PNN_BENCH`, or a member of the family of known fronts."""
    if name == PNN_BENCH:
        return read_table(DIGITS_TABLE)
    return make_table(next(member for member in MEMBERS if member.name == name))
