import csv
import re

import pytest

from dashboards.export import write_front_csv, write_front_page
from dashboards.front import get_front_info
from study.results.front_table import front_table
from study.results.objective import parse_objectives
from study.results.pareto import front
from study.results.record import TrialState

TWO = parse_objectives("val_accuracy,learnable_params")
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def write_page(tmp_path):
    def write(records, name="masks-1", axes=("mask_count",)):
        info = get_front_info(records, TWO, name=name, dataset="digits", epochs=4)
        path = tmp_path / "front.html"
        write_front_page(path, info, front_table(front(records, TWO), axes, TWO))
        return path.read_text(encoding="utf-8")

    return write


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_plotly(page):
    """The page without the library, which holds all sorts of markup in its strings."""
    scripts = re.findall(r"<script.*?</script>", page, flags=re.DOTALL)
    return page.replace(max(scripts, key=len), "")


@pytest.mark.parametrize("name", [SCRIPT, IMAGE])
def test_names_from_elsewhere_appear_only_escaped(make_trial, write_page, name):
    plain = without_plotly(write_page([make_trial(0)]))
    page = without_plotly(
        write_page([make_trial(0, order=name, **{name: 1})], name=name, axes=("order", name))
    )
    assert page.count("<script") == plain.count("<script")
    assert "<img" not in page
    # Title, heading, and a column's header and cell.
    assert page.count(name.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")) == 4


def test_the_page_names_nothing_to_fetch(make_trial, write_page):
    page = without_plotly(write_page([make_trial(0)]))
    assert "Plotly.newPlot" in page
    assert re.findall(r"(?:src|href)=['\"]([^'\"]*)", page) == ["data:,"]


def test_the_table_repeats_the_front_cell_by_cell(make_trial, write_page):
    page = write_page([make_trial(0, 0.5, 1000), make_trial(1, 0.25, 500), make_trial(2, 0.1, 900)])
    body = page[page.rindex("<tbody>") :]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")]
    assert rows[:-1] == [["1", "64", "500", "0.2500"], ["0", "64", "1,000", "0.5000"]]


def test_without_a_front_the_page_has_no_empty_table(make_trial, write_page):
    page = without_plotly(write_page([make_trial(0, state=TrialState.FAILED)]))
    assert "No trial is on the front." in page
    assert "<table" not in page


def test_the_csv_round_trips_every_setting_and_metric(make_trial, tmp_path):
    records = [
        make_trial(3, 1 / 3, 550, noise_level=0.1 + 0.2, order='with "quotes", commas\nand lines'),
        make_trial(8, 2 / 3, 1234567, noise_level=1e-12, weight_decay=0.0),
    ]
    path = tmp_path / "front.csv"
    write_front_csv(path, records)
    rows = read_csv(path)
    assert [int(row.pop("trial")) for row in rows] == [3, 8]
    for row, record in zip(rows, records, strict=True):
        expected = {**record.parameters, **record.metrics()}
        # `bool` would take any text for true.
        readers = {name: type(value) for name, value in expected.items()}
        readers |= {n: "True".__eq__ for n, value in expected.items() if isinstance(value, bool)}
        assert {name: readers[name](text) for name, text in row.items()} == expected


def test_the_csv_keeps_settings_that_only_some_trials_have(make_trial, tmp_path):
    path = tmp_path / "front.csv"
    write_front_csv(path, [make_trial(0), make_trial(1, added_later=5)])
    assert [row["added_later"] for row in read_csv(path)] == ["", "5"]


def test_an_empty_front_is_a_csv_with_a_header(tmp_path):
    path = tmp_path / "front.csv"
    write_front_csv(path, [])
    assert path.read_text(encoding="utf-8").splitlines() == ["trial"]
