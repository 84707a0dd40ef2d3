"""Address after each move of a reader: `assets/moves.js` in a real browser."""

from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import dashboards.live

SCRIPT = Path(dashboards.live.__file__).parent / "assets" / "moves.js"
AXES = ["learnable_params", "val_accuracy"]
HERE = "?study=one&study=two&view=cost&trial=3&x=macs"
BOX = {"range": {"x": [2000, 1000], "y": [0.25, 0.5]}, "points": []}


def move(kind, name, event, value, axes=(), zero=""):
    known = {"kind": kind, "name": name, "event": event, "value": value}
    return {**known, "axes": list(axes), "zero": zero}


def click(carried):
    return move("picture", "front", "clickData", {"points": [{"customdata": carried}]})


@pytest.fixture(scope="module")
def follow(browser):
    """The pairs of the address that moves lead to."""
    page = browser.new_page()
    page.goto("about:blank")
    page.add_script_tag(path=SCRIPT)

    def next_(*moves, search=HERE):
        leads_to = "([search, moves]) => window.dash_clientside.moves.next(search, moves)"
        return parse_qsl(page.evaluate(leads_to, [search, moves]).removeprefix("?"))

    yield next_
    page.close()


STAYS = parse_qsl(HERE.removeprefix("?"))


@pytest.mark.parametrize(
    "drawn",
    [
        move("picture", "front", "clickData", None),
        move("picture", "front", "selectedData", None),
        move("action", "close", "n_clicks", None),
        move("control", "x", "value", "macs"),
        move("choice", "study", "value", "one"),
        move("choice", "study", "value", None),
        move("choice", "beside", "value", ["two"]),
    ],
)
def test_what_has_just_been_drawn_leads_nowhere(follow, drawn):
    assert follow(drawn) == STAYS


def test_a_choice_changes_its_own_option_and_no_other(follow):
    assert follow(move("control", "y", "value", "val_loss")) == [*STAYS, ("y", "val_loss")]
    assert follow(move("control", "x", "value", "")) == STAYS[:-1]


@pytest.mark.parametrize("carried", [17, [17], [17, "rest"]])
def test_a_click_opens_the_trial_that_the_point_carries(follow, carried):
    assert dict(follow(click(carried)))["trial"] == "17"


@pytest.mark.parametrize("carried", [None, [], "17", [1.5], True])
def test_a_click_on_what_is_no_trial_means_nothing(follow, carried):
    assert follow(click(carried)) == STAYS


def test_a_selected_row_of_a_table_opens_its_trial(follow):
    assert dict(follow(move("table", "trials", "selectedRows", [{"trial": 17}])))["trial"] == "17"


def test_a_row_without_a_trial_means_nothing(follow):
    assert follow(move("table", "paired", "selectedRows", [{"first": "a"}])) == STAYS
    assert follow(move("table", "trials", "selectedRows", [])) == STAYS


def test_all_trials_are_shown_whatever_narrowed_them(follow):
    narrowed = f"{HERE}&within=macs:1..2&where=fan_out+%3D%3D+2"
    assert follow(move("action", "clear", "n_clicks", 1), search=narrowed) == STAYS


def test_a_box_over_axes_of_parallel_coordinates_leaves_the_trials_within_them(follow):
    linear = {"name": "val_accuracy", "low": 0.5, "high": 0.9, "log": False, "zero": None}
    decades = {"name": "noise_level", "low": -3, "high": 1, "log": True, "zero": 0.2}
    box = {"range": {"x": [0.8, 2.2], "y": [0.75, 0.25]}, "points": []}
    drawn = {**move("picture", "parallel", "selected", box, ["", ""])}
    drawn["scales"] = [linear, linear | {"name": "macs"}, decades]
    assert dict(follow(drawn))["within"] == "macs:0.6..0.8,noise_level:0.01..1"
    drawn["value"]["range"]["y"] = [-0.1, 0.25]
    assert dict(follow(drawn))["within"] == "macs:0.46..0.6,noise_level:0..0.01"
    drawn["scales"] = [linear, None, None]
    assert follow(drawn) == STAYS


def test_a_box_leaves_the_trials_within_it_until_all_are_asked_for(follow):
    box = move("picture", "front", "selectedData", BOX, AXES)
    within = ("within", "learnable_params:1000..2000,val_accuracy:0.25..0.5")
    assert follow(box) == [*STAYS, within]
    assert follow(box, move("action", "clear", "n_clicks", 1)) == STAYS


def test_a_box_over_names_or_on_other_axes_means_nothing(follow):
    names = {"range": {"x": ["resnet8", "resnet18"], "y": [0.25, 0.5]}}
    over_names = move("picture", "front", "selectedData", names, AXES)
    assert dict(follow(over_names))["within"] == "val_accuracy:0.25..0.5"
    assert follow(move("picture", "cost", "selectedData", BOX, [""])) == STAYS


@pytest.mark.parametrize(
    ("ends", "within"),
    [([0.003, 0.2], "0..0.2"), ([0.008, 0.003], "0..0"), ([0.02, 0.2], "0.02..0.2")],
)
def test_a_box_over_the_place_of_zero_holds_zero(follow, ends, within):
    box = {"range": {"x": ends, "y": [0.005, 0.5]}}
    drawn = move("picture", "slice", "selected", box, ["noise_level", "val_accuracy"], "0.01")
    said = f"noise_level:{within},val_accuracy:0.005..0.5"
    assert dict(follow(drawn))["within"] == said


def test_closing_a_trial_leaves_the_rest(follow):
    closed = follow(move("action", "close", "n_clicks", 1))
    assert closed == [pair for pair in STAYS if pair[0] != "trial"]


def test_another_study_starts_afresh_and_keeps_those_beside_it(follow):
    other = [("view", "cost"), ("study", "three"), ("study", "two")]
    assert follow(move("choice", "study", "value", "three")) == other
    swapped = [("view", "cost"), ("study", "two")]
    assert follow(move("choice", "study", "value", "two")) == swapped


def test_the_latest_study_gets_its_name_without_losing_what_was_asked(follow):
    named = follow(move("choice", "study", "value", "one"), search="?view=cost&trial=3")
    assert named == [("view", "cost"), ("trial", "3"), ("study", "one")]


def test_studies_beside_are_chosen_without_the_first(follow):
    beside = follow(move("choice", "beside", "value", ["three", "one"]))
    assert [value for name, value in beside if name == "study"] == ["one", "three"]
    alone = follow(move("choice", "beside", "value", None))
    assert [value for name, value in alone if name == "study"] == ["one"]
