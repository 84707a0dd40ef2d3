import pytest

from dashboards.elements.axes import axis_of, choose_axes, coordinates, use_logarithms
from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.quantity import find_quantity, setting
from study.results.objective import OBJECTIVES


def metric(name):
    return find_quantity(name, ())


@pytest.mark.parametrize(
    ("objectives", "wanted", "chosen"),
    [
        ("val_accuracy,macs", (None, None), "val_accuracy macs"),
        ("val_accuracy", (None, None), "val_accuracy learnable_params"),
        ("learnable_params", (None, None), "learnable_params val_accuracy"),
        ("val_accuracy,macs,val_loss", (None, None), "val_accuracy macs"),
        ("val_accuracy,learnable_params", (None, "val_accuracy"), "learnable_params val_accuracy"),
        ("val_accuracy,learnable_params", ("macs", None), "macs val_accuracy"),
        ("val_accuracy", (None, None, None), "val_accuracy learnable_params macs"),
        ("macs,val_loss", ("macs", None, "macs"), "macs val_loss macs"),
    ],
)
def test_an_axis_left_open_takes_an_objective_that_no_other_axis_has(
    study_of, objectives, wanted, chosen
):
    study = study_of([], objectives=objectives)
    axes = choose_axes(study, [name and metric(name) for name in wanted])
    assert " ".join(axis.name for axis in axes) == chosen


@pytest.mark.parametrize("name", OBJECTIVES)
def test_counts_and_seconds_are_logarithmic_and_nothing_else_is(name):
    is_log = use_logarithms(metric(name), None, [10, 20])
    assert is_log == (name.endswith("_params") or name in ("mask_values", "macs", "train_seconds"))


def test_the_kind_of_an_axis_can_be_chosen_where_all_values_have_a_logarithm():
    assert not use_logarithms(metric("macs"), False, [10, 20])
    assert use_logarithms(metric("val_loss"), True, [10, 20])
    assert not use_logarithms(metric("macs"), True, [0, 20])
    assert not use_logarithms(metric("macs"), True, [])
    assert not use_logarithms(setting("layer"), True, ["conv1x1", 10])


def test_an_axis_carries_its_label_with_its_unit():
    axis = axis_of(metric("train_seconds"), [1, 10], log=True)
    assert (axis["title"], axis["type"]) == ({"text": "Training time (s)"}, "log")
    assert "type" not in axis_of(metric("train_seconds"), [1, 10], log=False)
    assert axis_of(metric("macs"), [1, 10], log=True)["tickformat"] == "~s"


def test_an_accuracy_does_not_reach_far_beyond_its_range():
    axis = axis_of(metric("val_accuracy"), [0.5], log=False)
    assert axis["autorangeoptions"] == {"clipmin": -0.02, "clipmax": 1.02}


def test_names_make_an_axis_of_escaped_names(make_trial, study_of):
    axis = axis_of(setting("<b>"), ["conv3x3", 1], log=False)
    assert (axis["type"], axis["title"]) == ("category", {"text": "&lt;b&gt;"})
    records = [make_trial(i, layer=name) for i, name in enumerate(("conv3x3", "<b>"))]
    points = complete_trials(study_of(records)).points((setting("layer"), metric("macs")), None)
    assert coordinates(points, 0).tolist() == ["conv3x3", "&lt;b&gt;"]
    assert coordinates(points, 1).tolist() == [5000.0, 5000.0]
