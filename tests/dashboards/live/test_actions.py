"""A page acts by POST with its token alone, and says in one sentence what cannot be done."""

import time

import pytest

from dashboards.live.actions import TOKEN_HEADER
from dashboards.live.server import create_app
from study.results.mlflow.store import MlflowStore
from study.results.study_info import StudyEnd
from study.results.study_request import Action

TOKEN = "t0ken-of-the-terminal"
HEADERS = {TOKEN_HEADER: TOKEN}


@pytest.fixture
def study(sqlite_uri, info):
    study = MlflowStore(sqlite_uri).open_study(info)
    study.open()
    return study


@pytest.fixture
def client(sqlite_uri, study, info):
    client = create_app(sqlite_uri, token=TOKEN).server.test_client()
    client.get("/health")
    for _ in range(200):  # it is read in the background
        answer = client.get(f"/annotation?study={info.name}")
        if answer.status_code == 200:
            return client
        time.sleep(0.05)
    raise AssertionError(answer.text)


def act(client, headers=HEADERS, **asked):
    return client.post("/act", json=asked, headers=headers)


@pytest.mark.parametrize("headers", [{}, {TOKEN_HEADER: ""}, {TOKEN_HEADER: "another"}])
def test_nothing_is_done_without_the_token(client, sqlite_uri, study, info, headers) -> None:
    for action in (*Action, "annotate"):
        answer = act(client, headers, study=info.name, action=action, note="x")
        assert answer.status_code == 403
        assert "dashboards.app printed" in answer.text
    box = MlflowStore(sqlite_uri).request_box(study.parent_run_id)
    assert box.read().waiting == ()


def test_nothing_is_done_by_get(client, sqlite_uri, study, info) -> None:
    client.get(f"/act?study={info.name}&action=stop", headers=HEADERS)
    assert MlflowStore(sqlite_uri).request_box(study.parent_run_id).read().waiting == ()


def test_another_page_cannot_act_even_with_the_token(client, info) -> None:
    headers = HEADERS | {"Origin": "http://evil.example"}
    assert act(client, headers, study=info.name, action="stop").status_code == 403


def test_the_token_is_in_nothing_that_the_page_serves(client) -> None:
    for path in ("/", "/_dash-layout", "/_dash-dependencies", "/assets/actions.js"):
        with client.get(path) as answer:
            assert TOKEN not in answer.text


def test_an_action_waits_in_the_tracker_for_the_study(client, sqlite_uri, study, info) -> None:
    assert act(client, study=info.name, action="pause").status_code == 200
    point = "mask_count=8;x=<b>"
    assert act(client, study=info.name, action="enqueue", point=point).status_code == 200
    waiting = MlflowStore(sqlite_uri).request_box(study.parent_run_id).read().waiting
    assert [(r.action, r.point) for r in waiting] == [(Action.PAUSE, ""), (Action.ENQUEUE, point)]


def test_a_note_is_read_as_it_was_written(client, info) -> None:
    written = {"note": "<i>seen</i>\nµ", "tags": {"paper": "yes"}}
    assert act(client, study=info.name, action="annotate", **written).status_code == 200
    assert client.get(f"/annotation?study={info.name}").json == written


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"action": "delete"}, 400, "accepted are pause, continue, stop"),
        ({"action": 3}, 400, "action must be text"),
        ({"action": "stop-trial"}, 400, "needs one"),
        ({"action": "stop-trial", "trial": "x"}, 400, "no number of a trial"),
        ({"action": "enqueue"}, 400, "needs one"),
        ({"action": "enqueue", "point": 3}, 400, "point must be text"),
        ({"action": "annotate", "tags": ["x"]}, 400, "texts by name"),
        ({"action": "annotate", "tags": {"a b": "x"}}, 400, "letters, digits"),
        ({"action": "annotate", "trial": 7}, 404, "has no trial 7"),
        ({"action": "pause", "study": "nosuch"}, 404, "holds no study"),
        ({"action": "pause", "study": ["x"]}, 404, "holds no study"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(client, info, asked, status, said) -> None:
    answer = act(client, **{"study": info.name, **asked})
    assert answer.status_code == status
    assert said in answer.text.replace("&#39;", "'")


def test_a_body_that_is_no_object_is_refused(client) -> None:
    for body in ("[]", "3", "", "{"):
        answer = client.post("/act", data=body, headers=HEADERS, content_type="application/json")
        assert answer.status_code == 400


def test_a_study_that_does_not_run_says_how_to_go_on(client, study, info) -> None:
    study.finish(None, [], StudyEnd.INTERRUPTED, 1)
    for _ in range(400):
        answer = act(client, study=info.name, action="continue")
        if answer.status_code != 200:
            break
        time.sleep(0.05)
    assert answer.status_code == 400
    assert f"--resume --name {info.name}" in answer.text
