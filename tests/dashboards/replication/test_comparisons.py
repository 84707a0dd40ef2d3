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
    assert [sentence[:20] for sentence in info.sentences] == ["Trial 0: noise adds "] * 2
    assert "no difference can be told" in info.sentences[0]
    assert "The control has 3.6% more parameters" in info.sentences[1]
    assert info.tally == (
        "noise adds accuracy in 0 of 2 comparisons, costs some in 1, and no difference can be told "
        "in 1"
    )


def test_the_frame_of_the_comparisons_is_said(study):
    info = get_comparisons_info(study)
    assert info.intro.startswith("cifar10, 12 epochs.")
    beyond_noise, choice, number = info.cautions
    assert "a 1×1 has no ReLU in front" in beyond_noise
    assert "favours the one they were chosen for" in choice
    assert "2 intervals of 95% each, not adjusted" in number


def test_without_controls_nothing_is_compared(make_runs, confirmed_study):
    info = get_comparisons_info(confirmed_study(make_runs([0.8, 0.9])))
    assert (info.sentences, info.cautions) == ((), ())
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
        "3",
        "78.00 [78.00, 78.00]",
        "seed 103 failed (out of memory)",
    ]
    assert texts[1][3:6] == ["no result", "0", "no result"]
    assert rows[1][2][0].note == "+3.6% against the trial *"
