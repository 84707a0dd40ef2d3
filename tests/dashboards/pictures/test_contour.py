import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements import theme
from dashboards.elements.quantity import find_quantity, setting
from dashboards.pictures.contour import (
    CONTOUR,
    GRID,
    get_contour_figure,
    get_contour_info,
)
from pnn_core.parts import palette
from study.results.run_record import RunState

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
EVIL = '"><img src=x onerror=alert(1)><script>'
NOISE, MASKS, MOMENTUM = setting("noise_level"), setting("mask_count"), setting("momentum")
ON_ONE_LINE = "No contours: they need three trials that are not on one line."


@pytest.fixture
def corners(make_trial):
    """A plane over the logarithms of both settings: from 0 at one corner to 1 at the other."""
    places = [(0.01, 8), (0.01, 128), (1.0, 8), (1.0, 128), (0.1, 32)]
    return [
        make_trial(
            i,
            math.log(level / 0.01) / math.log(100) / 2 + math.log(masks / 8) / math.log(16) / 2,
            noise_level=level,
            mask_count=masks,
        )
        for i, (level, masks) in enumerate(places)
    ]


def test_a_plane_over_logarithms_is_drawn_as_a_plane(study_of, corners):
    info = get_contour_info(study_of(corners), x=NOISE, y=MASKS)
    land = info.landscape
    assert info.title == "Validation accuracy over noise level ℓ and noise masks m: noise-1"
    assert (len(land.x), len(land.y), np.shape(land.z)) == (GRID, GRID, (GRID, GRID))
    assert (land.x[0], land.x[-1], land.y[0], land.y[-1]) == pytest.approx((0.01, 1, 8, 128))
    share = np.linspace(0, 1, GRID) / 2
    assert np.array(land.z) == pytest.approx(np.add.outer(share, share), abs=0.01)
    assert (land.knots, land.at_zero, info.why_not) == (5, 0, "")


def test_outside_the_trials_nothing_is_claimed(make_trial, study_of):
    places = [(0.0, 1.0), (0.5, 2.0), (1.0, 1.0)]  # a triangle
    records = [
        make_trial(i, 0.5, momentum=momentum, weight_decay=decay)
        for i, (momentum, decay) in enumerate(places)
    ]
    land = get_contour_info(study_of(records), x=MOMENTUM, y=setting("weight_decay")).landscape
    z = np.array(land.z)
    assert np.isfinite(z[0]).all()
    assert np.isnan(z[-1][[0, -1]]).all()
    assert np.nanmax(z) == np.nanmin(z) == 0.5


def test_trials_close_together_are_averaged(make_trial, study_of):
    places = [(0.0, 0, 0.1), (0.0, 0, 0.5), (1.0, 0, 0.3), (0.0, 1, 0.3), (1.0, 1, 0.3)]
    records = [
        make_trial(i, accuracy, momentum=m, weight_decay=float(d))
        for i, (m, d, accuracy) in enumerate(places)
    ]
    land = get_contour_info(study_of(records), x=MOMENTUM, y=setting("weight_decay")).landscape
    assert land.knots == 4
    assert np.array(land.z) == pytest.approx(0.3)


def test_the_unit_of_a_setting_does_not_change_the_landscape(make_trial, study_of):
    places = np.random.default_rng(0).random((15, 2)).tolist()
    lands = [
        get_contour_info(
            study_of(
                [
                    make_trial(i, i * i % 5 / 5, momentum=m, weight_decay=d * unit)
                    for i, (m, d) in enumerate(places)
                ]
            ),
            x=MOMENTUM,
            y=setting("weight_decay"),
        ).landscape
        for unit in (1, 1e4)
    ]
    small, large = (np.array(land.z) for land in lands)
    assert large == pytest.approx(small, nan_ok=True)


def test_trials_at_zero_are_points_beside_the_landscape(study_of, corners, make_trial):
    records = [*corners, make_trial(9, 0.9, noise_level=0.0, mask_count=32)]
    info = get_contour_info(study_of(records), x=NOISE, y=MASKS)
    assert (info.landscape.at_zero, info.landscape.knots) == (1, 5)
    assert "Trials at zero have no place on a logarithmic scale: points only." in info.caption
    figure = get_contour_figure(info)
    assert figure.data[1].x[-1] < 0.01
    assert figure.layout.xaxis.ticktext[0] == "0"


@pytest.mark.parametrize(
    "places",
    [
        [(0.1, 8)],
        [(0.1, 8), (0.2, 16)],
        [(0.1, 8), (0.1, 8), (0.1, 8), (0.1, 8)],
        [(0.1, 8), (0.1, 16), (0.1, 32)],
        [(0.1, 8), (0.2, 16), (0.4, 32)],
        [(0.0, 8), (0.0, 16), (0.0, 32)],
    ],
)
def test_too_few_or_collinear_trials_are_drawn_as_points_and_it_is_said(
    make_trial, study_of, places
):
    records = [
        make_trial(i, 0.1 * i, noise_level=level, mask_count=masks)
        for i, (level, masks) in enumerate(places)
    ]
    info = get_contour_info(study_of(records), x=NOISE, y=MASKS)
    assert (info.landscape, info.why_not) == (None, ON_ONE_LINE)
    assert ON_ONE_LINE in info.caption
    figure = get_contour_figure(info)
    assert [trace.type for trace in figure.data] == ["scatter"]
    assert len(figure.data[0].x) == len(places)
    assert figure.data[0].marker.showscale
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [ON_ONE_LINE]


def test_names_have_no_contours(study_of, corners):
    for i, record in enumerate(corners):
        record.parameters["order"] = f"order {i % 2}"
    info = get_contour_info(study_of(corners), x=NOISE, y=setting("order"))
    assert info.why_not == "No contours: order within the layer has names and no numbers."
    assert get_contour_figure(info).layout.yaxis.ticktext == ("order 0", "order 1")


def test_points_are_drawn_upon_the_landscape_in_its_colours(study_of, corners):
    land, points = get_contour_figure(get_contour_info(study_of(corners), x=NOISE, y=MASKS)).data
    assert (land.type, points.type) == ("contour", "scatter")
    assert list(points.x) == [record.parameters["noise_level"] for record in corners]
    assert list(points.y) == [record.parameters["mask_count"] for record in corners]
    assert (land.zmin, land.zmax) == (points.marker.cmin, points.marker.cmax)
    assert land.colorscale == points.marker.colorscale
    assert (land.showscale is not False, points.marker.showscale) == (True, False)


def test_both_axes_are_logarithmic_where_that_is_usual(study_of, corners):
    layout = get_contour_figure(get_contour_info(study_of(corners), x=NOISE, y=MASKS)).layout
    assert (layout.xaxis.type, layout.yaxis.type) == ("log", "log")
    assert layout.xaxis.title.text == "Noise level ℓ (half-range of the masks)"


def test_many_trials_are_small_and_hide_nothing(make_trial, study_of):
    n = theme.MANY_POINTS + 1
    records = [
        make_trial(i, (i % 7) / 7, noise_level=0.01 + i % 50, mask_count=8 + i % 31)
        for i in range(n)
    ]
    info = get_contour_info(study_of(records), x=NOISE, y=MASKS)
    land, points = get_contour_figure(info).data
    assert (points.type, points.marker.color, len(points.x)) == ("scattergl", palette.GREY, n)
    assert land.colorbar.title.text == "Validation accuracy (correct / total)"


def test_many_trials_without_a_landscape_keep_their_colours(make_trial, study_of):
    n = theme.MANY_POINTS + 1
    records = [make_trial(i, (i % 7) / 7, order=f"order {i % 3}") for i in range(n)]
    info = get_contour_info(study_of(records), x=NOISE, y=setting("order"))
    (points,) = get_contour_figure(info).data
    assert points.marker.showscale
    assert list(points.marker.color[:3]) == [0, 1 / 7, 2 / 7]


def test_sizes_have_logarithmic_colours_without_exponents_on_the_lines(study_of, corners):
    z = find_quantity("learnable_params", [])
    info = get_contour_info(study_of(corners), x=NOISE, y=MASKS, z=z)
    land, _ = get_contour_figure(info).data
    assert np.nanmax(np.array(land.z)) == pytest.approx(3)
    assert not land.contours.showlabels


def test_a_pointer_reads_the_trial_as_text(study_of, corners):
    corners[0].parameters["order"] = EVIL
    figure = get_contour_figure(get_contour_info(study_of(corners), x=NOISE, y=setting("order")))
    trace = figure.data[0]
    assert trace.hovertemplate == (
        "trial %{customdata[0]}<br>noise level ℓ: %{customdata[1]}"
        "<br>order within the layer: %{customdata[2]}"
        "<br>validation accuracy: %{customdata[3]}<extra></extra>"
    )
    assert list(trace.customdata[0])[1::2] == ["0.01", "0.0000"]
    assert trace.customdata[0][2].startswith('"&gt;&lt;img')
    assert "<img" not in figure.to_json()


def test_the_table_holds_the_trials(study_of, corners):
    picture = CONTOUR.picture(get_contour_info(study_of(corners), x=NOISE, y=MASKS))
    assert picture.name == "contour"
    assert picture.data["trial"] == [0, 1, 2, 3, 4]
    assert picture.data["noise_level"] == [0.01, 0.01, 1.0, 1.0, 0.1]
    assert picture.data["mask_count"] == [8, 128, 8, 128, 32]
    assert picture.data["val_accuracy"][:4] == pytest.approx([0, 0.5, 0.5, 1])


def test_the_description_names_the_highest_trial(study_of, corners):
    info = get_contour_info(study_of(corners), x=NOISE, y=MASKS)
    assert info.description == (
        "Contours and points of validation accuracy over noise level ℓ and noise masks m, "
        "5 trials. Highest: 1.0000 at 1 and 128."
    )


def test_without_a_trial_the_picture_says_what_to_do(make_trial, study_of):
    info = get_contour_info(study_of([make_trial(0, state=RunState.FAILED)]), x=NOISE, y=MASKS)
    figure = CONTOUR.picture(info).figure
    assert (info.landscape, info.why_not, len(figure.data)) == (None, "", 0)
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [
        "No trial completed: Progress tells why."
    ]


rows = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan, math.inf]),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]) | st.floats(1e-6, 5),
        st.sampled_from([8, 16, 100]),
    ),
    max_size=25,
)


@SETTINGS
@given(rows, st.sampled_from(["noise_level", "optimizer", "val_loss"]))
def test_any_trials_give_a_picture_within_their_range(make_trial, study_of, rows, name):
    records = [
        make_trial(i, accuracy, state=state, noise_level=level, mask_count=masks)
        for i, (accuracy, state, level, masks) in enumerate(rows)
    ]
    x = find_quantity(name, []) if name == "val_loss" else setting(name)
    info = get_contour_info(study_of(records), x=x, y=MASKS)
    json.loads(CONTOUR.picture(info).figure.to_json())
    assert [point.number for point in info.points] == [
        record.number
        for record in records
        if record.state is RunState.COMPLETE and math.isfinite(record.metrics()["val_accuracy"])
    ]
    if info.landscape is not None:
        heights = [point.z for point in info.points]
        found = np.array(info.landscape.z)
        assert np.isfinite(found).any()
        assert np.nanmin(found) >= min(heights) - 1e-9
        assert np.nanmax(found) <= max(heights) + 1e-9
