"""Requests and annotations in a real tracker: kept, answered once, and bounded."""

import pytest

from study.results.mlflow.annotation import LONGEST_NOTE, MOST_TAGS, Annotation
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.request_box import answer_to
from study.results.mlflow.store import MlflowStore
from study.results.study_request import Action, StudyRequest


@pytest.fixture
def study(sqlite_uri, info):
    study = MlflowStore(sqlite_uri).open_study(info)
    study.open()
    return study


@pytest.fixture
def box(sqlite_uri, study):
    return MlflowStore(sqlite_uri).request_box(study.parent_run_id)


def test_a_request_waits_until_it_is_answered_and_the_study_reads_as_before(
    sqlite_uri, study, info, box
) -> None:
    feed = MlflowStore(sqlite_uri).follow_study(info.name)
    before = feed.read()
    first, second = (
        StudyRequest(action=Action.PAUSE),
        StudyRequest(action=Action.STOP_TRIAL, trial=3),
    )
    for request in (first, second):
        box.ask(request)
    followed = feed.read()
    assert set(followed.control.waiting) == {first, second}
    assert followed.study is before.study  # it was not read again
    box.answer({first.request_id: answer_to(str(first), "Done.")})
    box.tell_paused(is_paused=True)
    control = box.read()
    assert (control.is_paused, control.waiting) == (True, (second,))
    assert [(a.asked, a.said) for a in control.answers] == [("pause", "Done.")]
    assert feed.read().control == control


def test_what_is_no_request_is_named_and_can_be_taken_away(sqlite_uri, study, box) -> None:
    with MlflowConnection(sqlite_uri).asking() as client:
        client.set_tag(study.parent_run_id, "pnn.request.abc", "import os")
        other = StudyRequest(action=Action.STOP)
        client.set_tag(study.parent_run_id, "pnn.request.xyz", other.to_json())  # another's name
        client.set_tag(study.parent_run_id, "pnn.request_answers", '{"no": "list"}')
    control = box.read()
    assert (set(control.unreadable), control.waiting, control.answers) == ({"abc", "xyz"}, (), ())
    box.answer({name: answer_to("a request", "No.") for name in control.unreadable})
    assert box.read().unreadable == ()


def test_the_latest_answers_are_kept_and_each_fits_into_a_tag(box) -> None:
    for number in range(12):
        asked = StudyRequest(action=Action.PAUSE)
        box.ask(asked)
        answer = {asked.request_id: answer_to("y" * 5000, f"{number} " + "x" * 5000)}
        for _ in range(2):  # once more changes nothing, as after a write that was not answered
            box.answer(answer)
    answers = box.read().answers
    assert [answer.said.split()[0] for answer in answers] == [str(n) for n in range(4, 12)]
    assert all(len(answer.said) <= 300 for answer in answers)


def test_notes_and_tags_are_mlflows_own_and_replace_those_of_before(sqlite_uri, study) -> None:
    annotations, run_id = MlflowStore(sqlite_uri).annotations, study.parent_run_id
    annotations.write(run_id, Annotation(note="<b>why</b>", tags={"paper": "yes", "old": "1"}))
    with MlflowConnection(sqlite_uri).asking() as client:
        before = client.get_run(run_id).data.tags
    assert before["mlflow.note.content"] == "<b>why</b>"
    assert before["user.paper"] == "yes"
    annotations.write(run_id, Annotation(note="", tags={"paper": "no"}))
    assert annotations.read(run_id) == Annotation(note="", tags={"paper": "no"})
    with MlflowConnection(sqlite_uri).asking() as client:
        after = client.get_run(run_id).data.tags
    assert {n: v for n, v in after.items() if not n.startswith(("user.", "mlflow.note"))} == {
        n: v for n, v in before.items() if not n.startswith(("user.", "mlflow.note"))
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"note": "x" * (LONGEST_NOTE + 1)}, f"accepted are {LONGEST_NOTE}"),
        ({"tags": {"a b": "1"}}, "letters, digits, _ and -"),
        ({"tags": {"": "1"}}, "letters, digits, _ and -"),
        ({"tags": {"a": "x" * 501}}, "accepted are 500"),
        ({"tags": {f"t{n}": "" for n in range(MOST_TAGS + 1)}}, f"accepted are {MOST_TAGS}"),
    ],
)
def test_an_annotation_that_a_tracker_would_not_hold_is_refused(changes, said) -> None:
    with pytest.raises(ValueError, match=said):
        Annotation(**changes)
