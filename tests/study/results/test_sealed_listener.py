"""Number of confirmed runs is all that is told of a sealed experiment."""

from dataclasses import replace

from search_spaces.experiment import PlannedComparison
from study.results.planned_experiment import PlannedExperiment
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.seal import SEALED, describe_sealed
from study.results.sealed_listener import SealedListener

PLAN = PlannedExperiment(
    arms=("noise", "off"),
    comparisons=(PlannedComparison(first="noise", second="off", matters=0.01),),
    seeds=8,
    digest="",
)


class Heard(RunListener):
    """A listener that writes down who ended."""

    def __init__(self) -> None:
        self.ended: list[RunKey] = []

    def run_ended(self, record: RunRecord) -> None:
        self.ended.append(record.key)


def test_trials_are_passed_on_and_runs_that_confirm_them_counted_from_those_of_earlier_lives():
    heard, told = Heard(), []
    listener = SealedListener(heard, 3, told.append)
    for key in (RunKey(0), RunKey(0, "perturbation", 7), RunKey(1), RunKey(1, "noise_off", 7)):
        listener.run_ended(RunRecord(key=key, state=RunState.FAILED, parameters={}))
    assert heard.ended == [RunKey(0), RunKey(1)]
    assert told == [3, 4, 5]


def test_the_number_is_said_beside_that_of_the_plan_where_it_was_recorded(info):
    sealed = replace(info, experiment=PLAN)
    assert describe_sealed(sealed) == SEALED
    assert describe_sealed(replace(sealed, sealed_runs=5)) == (
        f"{SEALED} 5 of the experiment's 16 runs have ended in this study."
    )
