import re
from pathlib import Path

import pytest

from study.results.experiment_blocks import grouped_blocks
from study.results.forest import forest_groups, forest_range, forest_text, headline
from study.results.paired_comparison import compare
from study.results.sealed_table import read_sealed_table

DIGITS = Path(__file__).parents[3] / "docs/results/digits"


@pytest.fixture(scope="module")
def study():
    """The planned experiment on the digits, both blocks."""
    tables = [DIGITS / f"digits-{block}-sealed.parquet" for block in (1, 2)]
    (study,) = grouped_blocks([read_sealed_table(table) for table in tables])
    return study


@pytest.fixture(scope="module")
def rows(study):
    return [row for group in forest_groups(compare(study)) for row in group.rows]


def test_the_comparison_named_beforehand_stands_on_top_and_all_have_a_row(study, rows):
    groups = forest_groups(compare(study))
    assert [group.heading for group in groups] == [
        "Named beforehand: noise over",
        "Planned: noise over",
    ]
    assert groups[0].labels == ("noise off",)
    assert len(rows) == len(compare(study))


def test_one_line_tells_the_named_comparison_and_counts_the_others(study):
    assert headline(compare(study), study.records) == (
        "noise over noise off: +1.0 [+0.4, +1.5] points, n = 8: better. "
        "9 others (Holm-adjusted): 1 better, 8 undecided."
    )


def test_one_long_interval_does_not_squash_the_others(rows):
    low, high = forest_range([row.ends for row in rows])
    longest = max(rows, key=lambda row: max(map(abs, row.ends)))
    assert longest.high > 30 > high
    assert all(low <= row.low < row.high <= high for row in rows if row is not longest)
    assert low < 0 < high


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_bar_in_letters_stands_on_the_side_that_its_figures_say(rows, width):
    axis, *lines = forest_text(rows, width)
    assert max(map(len, lines)) <= width
    low, high = forest_range([row.ends for row in rows])
    for row, line in zip(rows, lines, strict=True):
        assert line.startswith(row.name)
        assert row.figures in line
        assert line.endswith(row.verdict)
        bar = re.search(r"[<(-][-o|]*[)>o-]", line.removeprefix(row.name))[0]
        assert ("<" in bar) == (row.low < low)
        if low <= row.mean <= high:
            assert "o" in bar
    assert axis.endswith("points")


@pytest.mark.parametrize("width", [0, 40])
def test_where_there_is_no_room_words_alone_tell_it(rows, width):
    assert forest_text(rows, width)[0] == "noise over noise off: +1.0 [+0.4, +1.5], better"
