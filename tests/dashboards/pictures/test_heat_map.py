import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.quantity import find_quantity, setting
from dashboards.pictures.heat_map import (
    HEAT_MAP,
    get_heat_map_figure,
    get_heat_map_info,
)
from study.results.run_record import RunState

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
EVIL = '"><img src=x onerror=alert(1)><script>'
NOISE, MASKS, BATCH = setting("noise_level"), setting("mask_count"), setting("batch_size")


@pytest.fixture
def records(make_trial):
    """Cells of two trials, of one and of none."""
    places = [(8, 10, 0.2), (8, 10, 0.4), (16, 20, 0.9), (16, 10, 0.5)]
    return [
        make_trial(i, accuracy, mask_count=masks, batch_size=batch)
        for i, (masks, batch, accuracy) in enumerate(places)
    ]


def test_each_cell_has_the_mean_of_its_trials(study_of, records):
    info = get_heat_map_info(study_of(records), x=MASKS, y=BATCH)
    assert info.title == "Validation accuracy by noise masks m and batch size: noise-1"
    assert (info.columns, info.rows) == (("8", "16"), ("10", "20"))
    assert info.cells == (
        (0, 0, 2, pytest.approx(0.3), 0.2, 0.4),
        (1, 0, 1, 0.5, 0.5, 0.5),
        (1, 1, 1, 0.9, 0.9, 0.9),
    )
    assert "A cell of n=1 is one trial, and no mean." in info.caption
    assert "Other settings differ within and between cells" in info.caption


def test_a_picture_of_repeated_cells_warns_of_no_single_trial(study_of, records):
    info = get_heat_map_info(study_of(records[:2]), x=MASKS, y=BATCH)
    assert "n=1" not in info.caption


def test_cells_are_drawn_with_mean_and_number_and_empty_ones_with_a_dash(study_of, records):
    figure = get_heat_map_figure(get_heat_map_info(study_of(records), x=MASKS, y=BATCH))
    cells, numbers, dashes = figure.data
    assert cells.z == pytest.approx(np.array([[0.3, 0.5], [math.nan, 0.9]]), nan_ok=True)
    written = dict(zip(zip(numbers.x, numbers.y, strict=True), numbers.text, strict=True))
    assert written == {(0, 0): "0.3<br>n=2", (1, 0): "0.5<br>n=1", (1, 1): "0.9<br>n=1"}
    assert list(zip(dashes.x, dashes.y, dashes.text, strict=True)) == [(0, 1, "–")]
    assert dashes.hovertext == ("noise masks m: 8<br>batch size: 20<br>no complete trial",)
    assert cells.hovertext[0][0] == (
        "noise masks m: 8<br>batch size: 10"
        "<br>validation accuracy: 0.3000, the mean of 2 trials<br>from 0.2000 to 0.4000"
    )
    assert figure.layout.xaxis.ticktext == ("8", "16")
    assert figure.layout.yaxis.ticktext == ("10", "20")


def test_numbers_are_white_on_dark_cells_and_black_on_light_ones(study_of, records):
    figure = get_heat_map_figure(get_heat_map_info(study_of(records), x=MASKS, y=BATCH))
    # From the lowest mean, of the darkest colour, to the highest.
    assert figure.data[1].textfont.color == ("white", "black", "black")


def test_the_papers_table_is_read_over_its_cells(make_trial, study_of):
    records = [
        make_trial(0, mask_count=64, batch_size=10),
        make_trial(1, mask_count=8, batch_size=80),
    ]
    info = get_heat_map_info(study_of(records, dataset="cifar10"), x=MASKS, y=BATCH)
    texts = {(info.columns[c.column], info.rows[c.row]): c.text for c in info.reported}
    assert texts == {
        ("64", "10"): (
            "reported: 0.9405 (Table 4, resnet50, test), 0.9405 (Table 6, resnet50, test)"
        ),
        ("64", "80"): "reported: 0.8529 (Table 6, resnet50, test)",
    }
    assert "what the paper reports for it: test accuracy" in info.caption
    cells, _, dashes = get_heat_map_figure(info).data
    assert cells.hovertext[0][1].endswith("0.9405 (Table 6, resnet50, test)")
    assert any("reported: 0.8529" in text for text in dashes.hovertext)


def test_a_continuous_setting_is_cut_at_edges_that_are_written(make_trial, study_of):
    records = [
        make_trial(i, noise_level=0.01 * 1.3**i, mask_count=8 * (1 + i % 2)) for i in range(26)
    ]
    info = get_heat_map_info(study_of(records), x=NOISE, y=MASKS)
    assert len(info.columns) == 6
    assert info.columns[0] == "0.01–0.0298"
    assert sum(cell.trials for cell in info.cells) == 26


def test_sizes_have_a_logarithmic_colour_and_short_numbers(make_trial, study_of):
    sizes = (1_234_567, 1234, 12)
    records = [make_trial(i, params=size, mask_count=8 * (1 + i)) for i, size in enumerate(sizes)]
    z = find_quantity("learnable_params", [])
    figure = get_heat_map_figure(get_heat_map_info(study_of(records), x=MASKS, y=BATCH, z=z))
    assert figure.data[0].z.tolist() == [[pytest.approx(math.log10(size)) for size in sizes]]
    assert [text.split("<br>")[0] for text in figure.data[1].text] == ["1.23M", "1.23k", "12"]


def test_names_from_elsewhere_are_text(make_trial, study_of):
    records = [make_trial(0, order=EVIL), make_trial(1, mask_count=8)]
    picture = HEAT_MAP.picture(get_heat_map_info(study_of(records), x=setting("order"), y=MASKS))
    shown = [*picture.figure.layout.xaxis.ticktext, *np.ravel(picture.figure.data[0].hovertext)]
    assert any("&lt;" in text for text in shown)
    assert not any("<img" in text or "<script" in text for text in shown)
    assert EVIL in picture.data["order"]


def test_the_table_holds_every_cell(study_of, records):
    picture = HEAT_MAP.picture(get_heat_map_info(study_of(records), x=MASKS, y=BATCH))
    assert picture.name == "heat-map"
    assert picture.data == {
        "mask_count": ["8", "16", "16"],
        "batch_size": ["10", "10", "20"],
        "mean_val_accuracy": [pytest.approx(0.3), 0.5, 0.9],
        "trials": [2, 1, 1],
        "lowest": [0.2, 0.5, 0.9],
        "highest": [0.4, 0.5, 0.9],
    }


def test_the_description_names_the_best_and_the_worst_cell(study_of, records):
    description = get_heat_map_info(study_of(records), x=MASKS, y=BATCH).description
    assert "3 cells with trials. Highest: 0.9000 at 16 and 20. Lowest: 0.3000 at 8 and 10." in (
        description
    )


def test_without_a_trial_the_picture_says_what_to_do(study_of):
    info = get_heat_map_info(study_of([]), x=MASKS, y=BATCH)
    figure = HEAT_MAP.picture(info).figure
    assert not figure.data
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [
        "No trials yet: they appear as they complete."
    ]


rows = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan, math.inf]),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]) | st.floats(1e-6, 5),
        st.sampled_from([8, 16]),
        st.sampled_from(["adam", "sgd"]),
    ),
    max_size=25,
)


@SETTINGS
@given(rows, st.sampled_from(["noise_level", "optimizer"]))
def test_any_trials_give_a_picture(make_trial, study_of, rows, name):
    records = [
        make_trial(
            i, accuracy, state=state, noise_level=level, mask_count=masks, optimizer=optimizer
        )
        for i, (accuracy, state, level, masks, optimizer) in enumerate(rows)
    ]
    info = get_heat_map_info(study_of(records), x=setting(name), y=MASKS)
    json.loads(HEAT_MAP.picture(info).figure.to_json())
    drawn = [
        record
        for record in records
        if record.state is RunState.COMPLETE and math.isfinite(record.metrics()["val_accuracy"])
    ]
    assert sum(cell.trials for cell in info.cells) == len(drawn)
    assert bool(info.instead) is not bool(drawn)
    if drawn:
        total = sum(cell.trials * cell.mean for cell in info.cells)
        accuracies = [record.metrics()["val_accuracy"] for record in drawn]
        assert total / len(drawn) == pytest.approx(statistics.fmean(accuracies))
