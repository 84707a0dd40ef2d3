from dash import html

from dashboards.elements import theme
from dashboards.live.address import Address
from dashboards.live.content import view_content
from dashboards.live.page_layout import study_choice
from dashboards.scene import Scene
from dashboards.view_options import Span, ViewOptions


def texts(components, kind):
    """Return the texts of components of a kind, wherever they stand."""
    block = html.Div(components)
    return [part.children for part in block._traverse() if isinstance(part, kind)]


def shown(study, now_ms, *within):
    """The upper part of a study's progress, the trials of some spans being brushed."""
    options = ViewOptions(within=within)
    scene = Scene(
        studies=(study,),
        options=options,
        selected=options.selected(study.records),
        now_ms=now_ms,
    )
    address = Address(view="progress", options=options)
    return view_content(scene, address, theme.Theme.LIGHT, with_pictures=False).state


def test_a_trial_without_a_sign_of_life_is_told_with_what_that_may_mean(halfway, minute):
    (silent, *_) = texts(shown(halfway, minute(600)), html.Li)
    assert "Nothing was heard of trial 6 for 9.9 h: it may hang, or have been paused" in silent


def test_a_brush_says_that_sums_stay_those_of_all_trials(make_grid, study_of):
    study = study_of(make_grid())
    within = Span(name="val_accuracy", low=0.0, high=0.42)
    (said, *_) = texts(shown(study, 0, within), html.Span)
    assert said.startswith("3 trials within validation accuracy 0 to 0.42. ")
    assert "counts, stays that of all" in said


def test_a_brush_over_large_counts_is_told_in_plain_digits(make_grid, study_of):
    within = Span(name="learnable_params", low=99.87, high=11_590.4)
    (said, *_) = texts(shown(study_of(make_grid()), 0, within), html.Span)
    assert "learnable parameters 99.87 to 11,590." in said


def test_studies_of_an_address_are_choices_also_before_the_tracker_has_told_its_own():
    """A choice drops what is not among its options, and the address would lose it."""
    address = Address(studies=("one", "two"), view="compare")
    study, beside = (box.children[1] for box in study_choice((), address).children)
    assert (study.value, study.options) == ("one", ["one", "two"])
    assert (beside.value, beside.options) == (["two"], ["two"])


def test_the_progress_says_once_how_many_trials_of_how_many_epochs_there_are(halfway):
    scene = Scene(studies=(halfway,), options=ViewOptions(), selected=None, now_ms=0)
    content = view_content(scene, Address(view="progress"), theme.Theme.LIGHT)
    said = texts(content.state, html.P)[0]
    assert said.startswith("digits, ")
    everywhere = texts([*content.state, *content.pictures, *content.below], html.P)
    assert sum(said in str(text) for text in everywhere) == 1
