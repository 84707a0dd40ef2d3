"""Forms by which a reader acts, and the state that decides whether they are drawn anew.

They are parts of their own, so that news of a running study take away nothing that is being typed.
"""

from dash.development.base_component import Component

from dashboards.live.action_blocks import study_actions, trial_actions
from dashboards.live.address import Address
from dashboards.live.studies import StudyState
from study.results.mlflow.live_reader import FollowedStudy
from study.results.run_record import RunRecord

PROGRESS = "progress"
"""View in which a reader acts on the study."""


def acting_state(states: list[StudyState], address: Address) -> str:
    """Return what makes the forms of a study different."""
    first = states[0].followed if states else None
    if first is None or address.view != PROGRESS:
        return ""
    return f"{address.studies[0]} {first.is_running} {first.control.is_paused}"


def acting(states: list[StudyState], address: Address) -> list[Component]:
    """Return the forms of a study, in its view of progress."""
    first = states[0].followed if states else None
    return [study_actions(first)] if first is not None and address.view == PROGRESS else []


def _opened(states: list[StudyState], address: Address) -> tuple[FollowedStudy, RunRecord] | None:
    """Return the opened trial and its study; None where there is none."""
    first = states[0].followed if states else None
    if first is None or address.trial is None:
        return None
    found = [record for record in first.study.records if record.number == address.trial]
    return (first, found[0]) if found else None


def trial_acting_state(states: list[StudyState], address: Address) -> str:
    """Return what makes the forms of the opened trial different."""
    if (opened := _opened(states, address)) is None:
        return ""
    followed, record = opened
    return f"{address.studies[0]} {record.number} {followed.is_running} {record.state}"


def trial_acting(states: list[StudyState], address: Address) -> list[Component]:
    """Return the forms of the opened trial."""
    opened = _opened(states, address)
    return [] if opened is None else [trial_actions(*opened)]
