"""A tuning grid is read as typed, and is the same for a trial and its controls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, OptimConfig, TrialConfig
from study.results.tuning_grid import (
    DEFAULT_TUNED,
    TUNABLE,
    read_tuned_settings,
    require_used,
    tuned_names,
    tuning_grid,
)

SHAPE = DatasetShape(channels=1, height=8, width=8, classes=10)
TRIAL = TrialConfig(
    model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=8),
    optim=OptimConfig(learning_rate=0.002),
)


@given(st.floats(1e-6, 1e3))
def test_a_setting_without_values_stands_for_a_third_one_and_three_times_the_trials_own(rate):
    trial = TRIAL.with_parameters({"learning_rate": rate})
    low, own, high = (point["learning_rate"] for point in tuning_grid(DEFAULT_TUNED, trial))
    assert own == rate
    assert low == pytest.approx(rate / 3, rel=0.01)
    assert high == pytest.approx(rate * 3, rel=0.01)


def test_several_settings_make_a_product_of_typed_numbers():
    choice = read_tuned_settings(" learning_rate, batch_size = 10,20,10 ,weight_decay=0,5e-4")
    assert choice == "learning_rate,batch_size=10,20,weight_decay=0,5e-4"
    assert read_tuned_settings(choice) == choice
    assert tuned_names(choice) == ("learning_rate", "batch_size", "weight_decay")
    points = tuning_grid(choice, TRIAL)
    assert len(points) == 3 * 2 * 2
    assert points[0] == {"learning_rate": 0.000667, "batch_size": 10, "weight_decay": 0.0}
    assert {type(point["batch_size"]) for point in points} == {int}
    for point in points:
        assert TRIAL.with_parameters(point).parameters().items() >= point.items()


@pytest.mark.parametrize("layer", ["perturbation", "noise_off", "conv1x1", "conv3x3", "shift"])
def test_a_control_has_the_grid_of_its_trial(layer):
    network = TRIAL.with_parameters({"layer": layer})
    require_used(DEFAULT_TUNED, network)
    assert tuning_grid(DEFAULT_TUNED, network) == tuning_grid(DEFAULT_TUNED, TRIAL)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not a setting to tune"),
        ("learnig_rate", r"did you mean learning_rate\?"),
        ("learning_rate,weight_decy", r"did you mean weight_decay\?"),
        ("learning_rate=0.1,0.2,weight_decy=0,1", r"did you mean weight_decay\?"),
        ("mask_count=8,16", "'mask_count' is no setting to tune.*accepted are learning_rate"),
        ("layer", "'layer' is no setting to tune"),
        ("learning_rate=", r"learning_rate \(=''\) must be numbers"),
        ("learning_rate=fast,slow", r"learning_rate \(='fast'\) must be numbers"),
        ("batch_size=8,8.5", r"batch_size \(='8.5'\) must be whole numbers"),
        ("learning_rate=0.1,1e-1", r"learning_rate \(=0.1,1e-1\) must have two values or more"),
        ("learning_rate,learning_rate", "'learning_rate' is named twice"),
        ("batch_size", "'batch_size' needs its values, such as batch_size=10,20"),
        ("dropout", "'dropout' needs its values"),
    ],
)
def test_what_is_no_grid_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        read_tuned_settings(text)


@pytest.mark.parametrize(
    ("choice", "changes", "said"),
    [
        ("noise_level", {"layer": "conv3x3"}, "layer conv3x3 does not use noise_level"),
        ("noise_level", {"layer": "noise_off"}, "layer noise_off does not use noise_level"),
        ("momentum=0,0.9", {}, "optimizer adam does not use momentum"),
        ("weight_decay", {}, "weight_decay is 0, of which multiples are no grid"),
    ],
)
def test_a_setting_that_a_network_does_not_use_is_refused(choice, changes, said):
    network = TRIAL.with_parameters(changes)
    with pytest.raises(ValueError, match=said):
        require_used(read_tuned_settings(choice), network)


@pytest.mark.parametrize("choice", ["learning_rate=0,1", "learning_rate=nan,1", "dropout=0,1"])
def test_a_value_that_no_network_is_trained_with_is_refused(choice):
    with pytest.raises(ValueError, match=choice.partition("=")[0]):
        tuning_grid(read_tuned_settings(choice), TRIAL)


@pytest.mark.parametrize("name", TUNABLE)
def test_a_tuned_setting_leaves_the_size_of_a_network_alone(name):
    from pnn_core.architecture.parameter_count import count_learnable_params

    assert name in PARAMETER_NAMES
    values = {"batch_size": 7}.get(name, 0.3)
    other = TRIAL.with_parameters({name: values})
    assert count_learnable_params(other.model) == count_learnable_params(TRIAL.model)
