import pytest

from pnn_core.config import ConfirmResult, Costs
from study.results.confirmed_table import confirmed_table
from study.results.run_record import RunKey, RunRecord, RunState


@pytest.fixture
def runs():
    """One seed for each accuracy; None failed."""

    def make(layer, *accuracies, costs=None):
        return [
            RunRecord(
                key=RunKey(4, layer, seed),
                state=RunState.FAILED if accuracy is None else RunState.COMPLETE,
                parameters={},
                size_difference=0.0,
                costs=costs,
                result=accuracy
                and ConfirmResult(
                    train_loss=0.1,
                    test_accuracy=accuracy,
                    published_test_accuracy=accuracy + 0.05,
                    train_seconds=1.0,
                ),
            )
            for seed, accuracy in enumerate(accuracies)
        ]

    return make


def test_a_row_is_a_layer_of_a_trial_with_its_mean_and_interval_in_percent(runs):
    costs = Costs(learnable_params=12_345, mask_values=1, macs=1)
    table = confirmed_table(runs("perturbation", 0.75, 0.75, 0.75, None, costs=costs))
    assert table.rows == (("4", "perturbation", "12,345", "3", "75.00", "75.00 to 75.00", "80.00"),)


def test_no_interval_leaves_what_accuracies_can_be(runs):
    """By hand: mean 50, s/√3 = 25/√3 = 14.43, t = 4.303."""
    ((*_, interval, _),) = confirmed_table(runs("conv1x1", 0.25, 0.5, 0.75)).rows
    assert interval == "0.00 to 100.00"


def test_two_seeds_have_no_interval(runs):
    ((*_, interval, _),) = confirmed_table(runs("conv1x1", 0.25, 0.5)).rows
    assert interval == "–"


def test_what_is_not_known_is_a_dash(runs):
    table = confirmed_table([*runs("conv1x1", 0.5), *runs("conv3x3", None)])
    assert table.rows[0][2:] == ("–", "1", "50.00", "–", "55.00")
    assert table.rows[1][2:] == ("–", "0", "–", "–", "–")
