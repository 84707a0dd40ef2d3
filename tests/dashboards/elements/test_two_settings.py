import math

from dashboards.elements.colour import ColourScale
from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.two_settings import metric_points, surface_colours
from study.results.run_record import RunState

MASKS, ORDER = setting("mask_count"), setting("order")
ACCURACY = find_quantity("val_accuracy", ())


def test_a_point_needs_both_settings_and_a_finite_metric_of_a_complete_trial(make_trial, study_of):
    records = [
        make_trial(3, 0.5, mask_count=8, order="a"),
        make_trial(1, 0.25, mask_count=16, order="b"),
        make_trial(0, math.nan, mask_count=8, order="a"),
        make_trial(2, 0.5, mask_count=8, order="a", state=RunState.PRUNED),
        make_trial(4, 0.5, mask_count=8, order="a"),
    ]
    del records[-1].parameters["order"]
    assert metric_points(study_of(records), MASKS, ORDER, ACCURACY) == (
        (1, 16, "b", 0.25),
        (3, 8, "a", 0.5),
    )


def test_a_metric_of_names_has_no_points(make_trial, study_of):
    assert metric_points(study_of([make_trial(0, order="a")]), MASKS, MASKS, ORDER) == ()


def test_a_surface_has_the_colours_of_points_on_the_same_scale():
    scale = ColourScale(ACCURACY, [0.25, 0.75])
    marker, surface = scale.marker(), surface_colours(scale)
    assert (surface["zmin"], surface["zmax"]) == (0.25, 0.75)
    assert (surface["colorscale"], surface["colorbar"]) == (
        marker["colorscale"],
        marker["colorbar"],
    )
