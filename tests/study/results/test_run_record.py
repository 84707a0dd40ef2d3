import dataclasses

import pytest

from study.results.objective import parse_objectives
from study.results.run_record import RunState


def test_epochs_with_a_gap_are_refused(record, epoch):
    with pytest.raises(ValueError, match=r"count from 1 to 2 without gaps, not \[1, 3\]"):
        dataclasses.replace(record(0, RunState.RUNNING), replicates=((epoch(1), epoch(3)),))


def test_epochs_that_do_not_begin_at_one_are_refused(record, epoch):
    with pytest.raises(ValueError, match="without gaps"):
        dataclasses.replace(record(0, RunState.RUNNING), replicates=((epoch(2),),))


def test_metrics_are_the_last_epoch_and_not_the_best(record, epoch):
    worse = dataclasses.replace(epoch(2), val_accuracy=0.1, val_loss=9.0, train_loss=8.0)
    trial = dataclasses.replace(record(0, RunState.COMPLETE), replicates=((epoch(1), worse),))
    metrics = trial.metrics()
    assert (metrics["val_accuracy"], metrics["val_loss"], metrics["train_loss"]) == (0.1, 9.0, 8.0)


def test_training_time_is_the_sum_over_epochs(record, epoch):
    metrics = record(0, RunState.COMPLETE, epochs=3).metrics()
    assert metrics["train_seconds"] == sum(epoch(e).train_seconds for e in (1, 2, 3))


def test_a_trial_that_reported_nothing_has_no_metrics(record):
    assert record(0, RunState.RUNNING).metrics() == {}


def test_values_follow_the_order_of_the_objectives(record):
    trial = record(4, RunState.COMPLETE, epochs=1)
    objectives = parse_objectives("macs,val_accuracy,learnable_params")
    assert trial.values(objectives) == (3, trial.epochs[0].val_accuracy, 10**9 + 4)


def test_a_missing_value_is_named(record):
    with pytest.raises(KeyError, match="val_loss"):
        record(0, RunState.COMPLETE).values(parse_objectives("macs,val_loss"))


def test_with_several_seeds_metrics_are_means_and_the_spread_is_their_deviation(record, epoch):
    accuracies = (0.5, 0.7, 0.9)
    results = [dataclasses.replace(epoch(1), val_accuracy=a, train_loss=a) for a in accuracies]
    trial = record(0, RunState.COMPLETE)
    trial = dataclasses.replace(trial, replicates=tuple((result,) for result in results))
    metrics = trial.metrics()
    assert metrics["val_accuracy"] == pytest.approx(0.7)
    assert metrics["train_loss"] == pytest.approx(0.7)
    assert metrics["val_accuracy_std"] == pytest.approx(0.2)
    assert metrics["train_seconds"] == pytest.approx(epoch(1).train_seconds)


def test_one_seed_has_no_spread(record):
    assert "val_accuracy_std" not in record(0, RunState.COMPLETE, epochs=2).metrics()


def test_a_seed_that_lacks_an_epoch_is_refused(record, epoch):
    curves = ((epoch(1), epoch(2)), (epoch(1),))
    with pytest.raises(ValueError, match=r"from 1 to 2 without gaps, not \[1\]"):
        dataclasses.replace(record(0, RunState.COMPLETE), replicates=curves)
