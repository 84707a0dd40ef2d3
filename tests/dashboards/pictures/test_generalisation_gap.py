from dataclasses import replace

import pytest

from dashboards.pictures.curves import get_curves_figure
from dashboards.pictures.generalisation_gap import (
    GENERALISATION_GAP,
    get_generalisation_gap_info,
)
from pnn_core.config import EpochResult
from study.results.run_record import RunState


def curve(*losses):
    """Make a curve of training and validation losses."""
    return tuple(
        EpochResult(
            epoch=i,
            train_loss=train_loss,
            val_loss=val_loss,
            val_accuracy=0.5,
            train_seconds=1.0,
            val_seconds=0.1,
        )
        for i, (train_loss, val_loss) in enumerate(losses, start=1)
    )


@pytest.fixture(scope="session")
def make_study(make_trial, study_of):
    def make(*trials):
        records = [
            replace(make_trial(number), replicates=tuple(replicates))
            for number, replicates in enumerate(trials)
        ]
        return study_of(records, epochs=2)

    return make


def test_the_gap_is_validation_minus_training_loss_of_each_seed(make_study):
    study = make_study([curve((1.0, 1.5), (0.25, 2.0)), curve((0.5, 2.0), (0.5, 0.25))])
    info = get_generalisation_gap_info(study)
    (drawn,) = info.curves
    assert info.title == "Validation loss minus training loss by epoch: noise-1"
    assert drawn.epochs == (1, 2)
    assert (drawn.low, drawn.mean, drawn.high) == ((0.5, -0.25), (1.0, 0.75), (1.5, 1.75))
    assert info.description == (
        "Line chart of the difference of both losses over epochs. 1 curve; the last values lie "
        "between 0.7500 (trial 0) and 0.7500 (trial 0)."
    )


def test_the_caption_says_how_the_training_loss_is_measured(make_study):
    caption = get_generalisation_gap_info(make_study([curve((1.0, 1.5))])).caption
    assert caption.startswith("digits, 1 trial (1 complete), 2 epochs each, one seed per trial. ")
    assert "measured while the weights change, with dropout and with random crops" in caption
    assert caption.endswith(
        "So a gap may lie below 0, and one of 0 does not mean that nothing is overfitted."
    )


def test_a_line_marks_where_both_losses_are_equal(make_study):
    info = get_generalisation_gap_info(make_study([curve((1.0, 1.5), (1.0, 0.5))]))
    figure = get_curves_figure(info)
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1) == (0, 0)
    assert figure.layout.yaxis.title.text == "Validation − training loss (nats)"
    assert figure.layout.yaxis.type is None


def test_a_faint_line_stands_at_each_rung(make_study):
    study = make_study([curve((1.0, 1.5), (1.0, 0.5))])
    info = replace(study.info, scheduler="moasha", rungs=(1,), reduction_factor=3)
    gap = get_generalisation_gap_info(replace(study, info=info))
    assert gap.rungs == (1,)
    assert "Dotted lines: the rungs" in gap.caption
    rung, _ = get_curves_figure(gap).layout.shapes
    assert (rung.x0, rung.x1, rung.layer) == (1, 1, "below")


def test_only_the_selection_is_drawn_up_to_the_limit(make_study):
    study = make_study(*([curve((1.0, 1.5))] for _ in range(5)))
    info = get_generalisation_gap_info(study, selected=frozenset({1, 2, 4}), limit=2)
    assert [drawn.number for drawn in info.curves] == [1, 4]


def test_without_a_curve_a_sentence_says_why(make_study):
    info = get_generalisation_gap_info(make_study())
    figure = GENERALISATION_GAP.picture(info).figure
    assert not figure.data
    assert [note.text.replace("<br>", " ") for note in figure.layout.annotations] == [info.instead]
    assert info.caption == "digits, no trials yet, 2 epochs each, one seed per trial."


def test_a_running_trial_is_drawn_with_the_front(make_study):
    study = make_study([curve((1.0, 1.5))], [curve((1.0, 1.25))])
    running = replace(study.records[1], state=RunState.RUNNING)
    info = get_generalisation_gap_info(replace(study, records=(study.records[0], running)))
    assert [drawn.number for drawn in info.curves] == [0, 1]


def test_the_data_names_its_unit(make_study):
    info = get_generalisation_gap_info(make_study([curve((1.0, 1.5))]))
    picture = GENERALISATION_GAP.picture(info)
    assert picture.name == "generalisation-gap"
    assert picture.data["gap_nats"] == [0.5]
    assert picture.data["low"] == [None]
