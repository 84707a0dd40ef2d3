"""A request to a study is data: what is not one is refused before anything is done."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.study_request import LONGEST_POINT, Action, StudyRequest

PLAIN = (Action.PAUSE, Action.CONTINUE, Action.STOP)


@st.composite
def requests(draw: st.DrawFn) -> StudyRequest:
    action = draw(st.sampled_from([*Action]))
    return StudyRequest(
        action=action,
        trial=draw(st.integers(0, 10**6)) if action is Action.STOP_TRIAL else None,
        point=draw(st.text(min_size=1, max_size=50)) if action is Action.ENQUEUE else "",
    )


@given(requests())
def test_a_request_is_read_as_it_was_written(request_: StudyRequest) -> None:
    assert StudyRequest.from_json(request_.to_json()) == request_


@given(st.one_of(st.text(), st.binary().map(repr)))
def test_other_text_is_no_request(text: str) -> None:
    with pytest.raises(ValueError):
        StudyRequest.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "delete"},
        {"action": "stop-trial"},
        {"trial": 3},
        {"action": "stop-trial", "trial": "3"},
        {"action": "stop-trial", "trial": True},
        {"point": "mask_count=8"},
        {"action": "enqueue", "point": "x" * (LONGEST_POINT + 1)},
        {"action": "enqueue", "point": ["x"]},
        {"asked_ms": "now"},
        {"request_id": 7},
        {"more": 1},
    ],
)
def test_a_request_with_other_contents_is_none(changes: dict[str, object]) -> None:
    document = json.loads(StudyRequest(action=Action.PAUSE).to_json())
    with pytest.raises(ValueError):
        StudyRequest.from_json(json.dumps(document | changes))


@pytest.mark.parametrize("document", ["[]", "3", "null", "{}", '{"action": "pause"}' + " " * 9])
def test_json_of_another_shape_is_none_or_has_defaults(document: str) -> None:
    if "pause" in document:
        assert StudyRequest.from_json(document).action is Action.PAUSE
        return
    with pytest.raises(ValueError):
        StudyRequest.from_json(document)
