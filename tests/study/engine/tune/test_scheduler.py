"""Tune asks for the next trial at each of its steps, thousands of times a study."""

from collections import Counter

import pytest
from ray.tune.experiment import Trial

from study.engine.cluster.trial_resources import TrialResources
from study.engine.tune.places import GPUS, Places
from study.engine.tune.scheduler import RungScheduler

PLACES = Places(TrialResources(cpus=1, gpus=0.0, concurrent=2))


class Waiting:
    """A trial of Tune's that counts how often it is looked at."""

    def __init__(self, looks: Counter[str], name: str) -> None:
        self.config = {GPUS: 0.0}
        self.trial_id = name
        self.state = Trial.PENDING
        self._looks = looks
        self._name = name

    @property
    def status(self) -> str:
        self._looks[self._name] += 1
        return self.state


class Controller:
    """Tune's controller, which is not to be asked for all trials."""

    def get_trials(self) -> list[Trial]:
        return pytest.fail("all trials that there ever were are looked through")


def test_trials_are_chosen_in_the_order_in_which_they_came_without_a_look_at_those_that_ended() -> (
    None
):
    looks: Counter[str] = Counter()
    scheduler, controller = RungScheduler(None, PLACES), Controller()
    trials = [Waiting(looks, str(number)) for number in range(100)]
    for trial in trials:
        scheduler.on_trial_add(controller, trial)
    chosen = []
    while (trial := scheduler.choose_trial_to_run(controller)) is not None:
        chosen.append(trial)
        trial.state = Trial.TERMINATED
    assert chosen == trials
    looks.clear()
    late = Waiting(looks, "late")
    scheduler.on_trial_add(controller, late)
    assert scheduler.choose_trial_to_run(controller) is late
    assert set(looks) == {"late"}
