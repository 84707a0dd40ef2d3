import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.elements.caption import (
    common_sentences,
    confirmed_epochs,
    describe_states,
    describe_trials,
    short_budget,
)
from dashboards.elements.picture import PictureInfo
from study.results.run_record import RunState


@given(st.lists(st.sampled_from(RunState)))
def test_every_state_is_counted(states):
    text = describe_states(states)
    for state in RunState:
        count = states.count(state)
        assert (f"{count} {state.words}" in text.split(", ")) == (count > 0)


def test_a_study_is_told_by_its_trials_budget_and_seeds(make_trial, study_of):
    records = [make_trial(0), make_trial(1, state=RunState.FAILED), make_trial(2)]
    study = study_of(records, epochs=4)
    assert describe_trials(study.info, study.records) == (
        "digits, 3 trials (2 complete, 1 failed), 4 epochs each, one seed per trial."
    )
    assert describe_trials(study.info, ()) == (
        "digits, no trials yet, 4 epochs each, one seed per trial."
    )


@pytest.mark.parametrize(
    ("epochs", "words"), [([], "7 epochs"), ([1], "1 epoch"), ([12, 3, 12], "3 or 12 epochs")]
)
def test_the_epochs_are_those_of_the_confirmed_runs(make_runs, confirmed_study, epochs, words):
    study = confirmed_study(*(make_runs([0.8], epochs=number) for number in epochs), epochs=7)
    assert confirmed_epochs(study) == words
    assert short_budget(study) == f"cifar10, {words}"


def test_what_several_captions_share_is_said_once_and_no_part_of_it_beside():
    pictures = [
        PictureInfo(title="a", common=("digits, 6 epochs.",), description=""),
        PictureInfo(title="b", common=("digits, 6 epochs each, one seed.", "Few."), description=""),
        PictureInfo(title="c", common=("Few.",), description=""),
    ]
    assert common_sentences(pictures) == ("digits, 6 epochs each, one seed.", "Few.")
