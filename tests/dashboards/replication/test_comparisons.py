import pytest

from dashboards.replication.comparisons import get_comparisons_info, get_confirmed_table


@pytest.fixture
def study(make_runs, confirmed_study):
    return confirmed_study(
        make_runs([0.80, 0.81, 0.82]),
        make_runs([0.80, 0.82, 0.81], layer="conv1x1"),
        make_runs([0.85, 0.861, 0.869], layer="conv3x3", params=1_450_000, size_difference=0.0357),
    )


def test_every_comparison_is_a_sentence_with_its_trial_and_the_tally_counts_them(study):
    info = get_comparisons_info(study)
    assert [sentence[:24] for sentence in info.sentences] == ["Trial 0: the layer adds "] * 2
    assert "undecided" in info.sentences[0]
    assert "The control has 3.6% more parameters" in info.sentences[1]
    assert info.tally == "2 comparisons (1 worse, 1 undecided)"
    assert info.trials == (info.trials[0],)
    assert info.trials[0].startswith("Trial 0: the layer adds 0.00 [−2.48, +2.48] points over 1×1")


def test_the_table_of_comparisons_shows_every_seed_and_the_verdict(study):
    first, second = get_comparisons_info(study).table.rows
    texts = [cell[0].text.replace("\N{NO-BREAK SPACE}", " ") for cell in second]
    assert texts == [
        "perturbation against 3×3",
        "worse",
        "−5.0 [−5.2, −4.8]",
        "not recorded",
        "the same",
        "not recorded",
        "",
    ]
    assert second[6][0].note == "−5.0, −5.1, −4.9"
    assert second[0][0].note == "trial 0, control"
    assert second[2][0].note == "n = 3"
    assert second[1][0].note.endswith(", adjusted")
    assert first[1][0].text == "undecided"


def test_what_a_collapse_leaves_is_told_beside_the_mean(make_runs, confirmed_study):
    collapsing = make_runs([0.80, 0.82, 0.81, 0.5], layer="conv1x1")
    study = confirmed_study(make_runs([0.9, 0.9, 0.91, 0.92]), collapsing)
    ((_, _, mean, _, without, *_),) = get_comparisons_info(study).table.rows
    assert mean[0].note == "n = 4"
    assert without[0].note == "n = 3, collapsed: 1 of 4 seeds of 1×1"


def test_the_frame_of_the_comparisons_is_said(study):
    info = get_comparisons_info(study)
    assert info.intro.startswith("Points of test accuracy")
    beyond_noise, choice, number, estimand = info.cautions
    assert "a 1×1 also lacks its ReLU" in beyond_noise
    assert "favours the one they were chosen for" in choice
    assert "2 intervals of 95% are not" in number
    assert "0 of 9 did" in estimand


def test_without_controls_nothing_is_compared(make_runs, confirmed_study):
    info = get_comparisons_info(confirmed_study(make_runs([0.8, 0.9])))
    assert (info.trials, info.table, info.sentences, info.cautions) == ((), None, (), ())
    assert "nothing is compared" in info.tally


def test_the_table_shows_means_sizes_and_failed_seeds(make_runs, confirmed_study):
    study = confirmed_study(
        make_runs([0.75, 0.75, 0.75, None]),
        make_runs([None], layer="conv3x3", params=1_450_000, size_difference=0.0357),
    )
    rows = get_confirmed_table(study).rows
    texts = [[cell[0].text.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in rows]
    assert texts[0][0] == "0, perturbation"
    assert texts[0][2:] == [
        "1,400,000",
        "75.00 [75.00, 75.00]",
        "75.00, 75.00, 75.00",
        "3",
        "1 of 4",
        "not recorded",
        "78.00 [78.00, 78.00]",
        "seed 103 failed (out of memory)",
    ]
    assert texts[1][3:9] == ["no result", "–", "0", "1 of 1", "not recorded", "no result"]
    assert rows[1][2][0].note == "+3.6% against the trial *"
