import math
from dataclasses import replace

from dashboards.replication.budget import get_budget_info
from dashboards.replication.comparisons import get_confirmed_table
from search_spaces import PlannedComparison
from study.results.mlflow.loaded_study import UndecodableRun
from study.results.planned_experiment import PlannedExperiment
from study.results.tuning_point import TuningPoint


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


def test_the_report_tells_how_networks_were_tuned_and_what_each_point_came_to(
    make_runs, confirmed_study
):
    tuning = tuple(
        TuningPoint(
            settings={"learning_rate": rate}, seeds=3, val_accuracy=accuracy, val_loss=accuracy
        )
        for rate, accuracy in ((0.001, 0.5), (0.003, 0.625), (0.009, math.nan))
    )
    tuned = [
        replace(run, tuning=tuning)
        for layer in ("perturbation", "conv1x1")
        for run in make_runs([0.8, 0.9], layer=layer, learning_rate=0.003)
    ]
    study = confirmed_study(tuned, tune_controls="learning_rate")
    assert dict(get_budget_info(study).facts)["Tuning"] == (
        "learning_rate of each of 2 networks, chosen from 3 grid points by accuracy on validation "
        "images: 6 runs of 3 seeds that nothing else uses (--tune-controls learning_rate)"
    )
    assert "Tuning" not in dict(get_budget_info(confirmed_study(make_runs([0.8]))).facts)
    _, control = get_confirmed_table(study).rows
    name, settings, *_ = control
    assert name[0].text.replace("\N{NO-BREAK SPACE}", " ") == "0, 1×1 (learning_rate 0.003)"
    assert [line.note for line in settings[1:]] == [
        "tried learning_rate 0.001: 50.00% on validation images",
        "tried learning_rate 0.003: 62.50% on validation images",
        "tried learning_rate 0.009: failed",
    ]


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


def test_only_trials_of_the_front_are_called_so(make_runs, confirmed_study):
    def told(**changed) -> str:
        study = confirmed_study(make_runs([0.8, 0.9]), make_runs([0.7, 0.8], layer="conv1x1"))
        study = replace(study, info=replace(study.info, **changed))
        return dict(get_budget_info(study).facts)["Confirmation"]

    assert told().startswith("1 trial of the front with layers conv1x1 beside perturbation, 2")
    assert told(confirm_trials="0").startswith("1 trial with layers conv1x1 beside perturbation, 2")
    plan = PlannedExperiment(
        digest="",
        arms=("noise", "off"),
        comparisons=(PlannedComparison(first="noise", second="off", matters=0.01),),
        seeds=2,
    )
    assert told(experiment=plan).startswith("1 arm, 2 fresh seeds")
