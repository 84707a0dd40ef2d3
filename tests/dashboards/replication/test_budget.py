from dataclasses import replace

from dashboards.replication.budget import get_budget_info
from study.results.mlflow.loaded_study import UndecodableRun


def test_the_budget_states_everything_that_bounds_a_claim(make_runs, confirmed_study):
    control = make_runs([0.8, None], layer="conv1x1", device="two cores")
    facts = dict(get_budget_info(confirmed_study(make_runs([0.8, 0.9]), control)).facts)
    assert facts["Data set"] == "cifar10"
    assert facts["Epochs of a training run"] == "12 epochs"
    assert "1 trial (1 complete) of 2 seeds each" in facts["Search"]
    assert "chosen on validation data by val_accuracy, learnable_params" in facts["Search"]
    assert "2 fresh seeds" in facts["Confirmation"]
    assert facts["Confirmation"].endswith(
        "test accuracy after the last epoch: 4 runs (3 complete, 1 failed)"
    )
    assert facts["Training time of the confirmation"] == "30.0 minutes over all runs"
    assert facts["Hardware"] == "one GPU, two cores"
    assert facts["Library versions"] == "python 3.11.7, torch 2.14.1"
    assert facts["Commit of the code"] == "0123abc"


def test_unreadable_runs_are_counted_with_their_reasons(make_runs, confirmed_study):
    study = replace(
        confirmed_study(make_runs([0.8])),
        undecodable=(UndecodableRun(run_id="a", reason="seed is missing"),),
    )
    assert dict(get_budget_info(study).facts)["Runs that could not be read"] == "1: seed is missing"


def test_what_was_not_recorded_is_said(make_runs, confirmed_study):
    study = confirmed_study(make_runs([0.8], device=""), git_commit="", versions={})
    facts = dict(get_budget_info(study).facts)
    unknown = {facts[name] for name in ("Hardware", "Library versions", "Commit of the code")}
    assert unknown == {"not recorded"}
