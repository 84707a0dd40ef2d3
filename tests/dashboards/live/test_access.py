"""The page answers no other page, binds what a browser may load, and refuses what is malformed."""

import json
import logging
import re
import threading

import pytest
from werkzeug.exceptions import ServiceUnavailable

from dashboards.live.access import AllowedHosts
from dashboards.live.address import MOST_STUDIES, Address
from dashboards.live.server import create_app
from dashboards.live.studies import MOST_KEPT, Studies
from dashboards.live.well_formed import CALLBACK, LONGEST, AtOnce
from study.results.mlflow.store import MlflowStore


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(f"sqlite:///{tmp_path_factory.mktemp('none')}/mlflow.db")


@pytest.fixture
def client(app):
    return app.server.test_client()


@pytest.fixture
def body(app, client):
    """Headers that a browser sends first."""
    (output,) = [name for name in app.callback_map if "pictures.children" in name]
    known = app.callback_map[output]
    values = {"url": "", "theme": "light"}
    asked = {
        name: [{**each, "value": values.get(each["id"])} for each in known[name]]
        for name in ("inputs", "state")
    }
    outputs = [each.rsplit(".", 1) for each in output.strip(".").split("...")]
    asked["outputs"] = [{"id": name, "property": of} for name, of in outputs]
    return {"output": output, "changedPropIds": ["url.search"], **asked}


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost:8050", "LOCALHOST", "[::1]:8050"])
def test_it_answers_under_names_of_this_machine(client, host) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8050", "192.0.2.1", ""])
def test_it_answers_under_no_other_name(client, host) -> None:
    for path in ("/", "/_dash-layout", "/download/front.csv", "/assets/page.css"):
        assert client.get(path, headers={"Host": host}).status_code in (400, 403)


def test_a_page_that_all_may_reach_answers_under_addresses_and_names_that_it_was_given() -> None:
    hosts = AllowedHosts("0.0.0.0", ["studies.example"])
    for host in ("192.0.2.1:8050", "[2001:db8::1]:8050", "localhost", "studies.example"):
        assert host in hosts
    assert "evil.example" not in hosts


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9"])
def test_it_answers_no_other_page(client, body, origin) -> None:
    headers = {"Host": "localhost:8050", "Origin": origin}
    assert client.post(CALLBACK, json=body, headers=headers).status_code == 403


def test_its_own_page_is_answered(client, body) -> None:
    headers = {"Host": "localhost:8050", "Origin": "http://localhost:8050"}
    answer = client.post(CALLBACK, json=body, headers=headers)
    assert answer.status_code == 200
    assert answer.get_json()["response"]["drawn"]


def test_every_answer_says_what_a_browser_may_do_with_it(client) -> None:
    for path in ("/", "/assets/page.css", "/download/front.csv", "/nowhere"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in policy["script-src"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def changed(body, name, value, part="inputs"):
    return {
        **body,
        part: [{**one, "value": value} if one["id"] == name else one for one in body[part]],
    }


def test_malformed_callbacks_get_400_without_a_traceback(client, body, caplog) -> None:
    malformed = [
        "[",
        "null",
        "[]",
        "{}",
        *(json.dumps({**body, "output": other}) for other in (1, [], "none.children")),
        *(json.dumps({**body, "inputs": other}) for other in (None, {}, [1], body["inputs"][1:])),
        json.dumps({**body, "outputs": body["outputs"][1:]}),
        json.dumps({**body, "state": []}),
        json.dumps({**body, "changedPropIds": 1}),
        *(json.dumps(changed(body, "theme", other)) for other in ("purple", 1, ["light"], {})),
        *(json.dumps(changed(body, "url", other)) for other in (1, ["?"], {})),
        *(
            json.dumps(changed(body, "drawn", other, "state"))
            for other in ("x", [1], {"nothing": ""}, {"head": 1})
        ),
        json.dumps(changed(body, "brushed", {}, "state")),
    ]
    with caplog.at_level(logging.ERROR):
        for sent in malformed:
            answer = client.post(CALLBACK, data=sent, content_type="application/json")
            assert answer.status_code == 400, sent
    assert caplog.records == []
    assert client.post(CALLBACK, data=b"x").status_code == 415
    long = json.dumps({**body, "more": "x" * LONGEST})
    assert client.post(CALLBACK, data=long, content_type="application/json").status_code == 413


def test_a_file_that_is_not_there_is_404_without_a_traceback(client, caplog) -> None:
    with caplog.at_level(logging.ERROR):
        for path in ("nowhere/a.js", "dash/a.js"):
            assert client.get(f"/_dash-component-suites/{path}").status_code == 404
    assert caplog.records == []


def test_one_address_names_a_bounded_number_of_studies(client) -> None:
    names = [f"study={number}" for number in range(MOST_STUDIES + 1)]
    assert len(Address.parse("&".join(names[1:])).studies) == MOST_STUDIES
    with pytest.raises(ValueError, match="25 studies are named: accepted are up to 24"):
        Address.parse("&".join(names))
    assert client.get(f"/download/front.csv?{'&'.join(names)}").status_code == 404


def test_names_that_were_asked_for_are_forgotten_the_oldest_first(tmp_path) -> None:
    studies = Studies(MlflowStore(f"sqlite:///{tmp_path}/mlflow.db"))
    first = studies.state("0")
    for number in range(1, MOST_KEPT):
        studies.state(str(number))
    assert studies.state("0") == first
    studies.state("one more")
    assert studies.state("0") == first
    assert len(studies._kept) == MOST_KEPT
    assert "1" not in studies._kept


def test_what_is_drawn_at_once_is_bounded() -> None:
    bound, done, begun = AtOnce(1, 0.1), threading.Event(), threading.Event()

    def draw() -> None:
        with bound.place():
            begun.set()
            done.wait(60)

    thread = threading.Thread(target=draw)
    thread.start()
    assert begun.wait(60)
    with pytest.raises(ServiceUnavailable), bound.place():
        pass
    done.set()
    thread.join()
    with bound.place():
        pass


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory):
    uri = f"sqlite:///{tmp_path_factory.mktemp('prefixed')}/mlflow.db"
    return create_app(uri, prefix="/team/studies/").server.test_client()


@pytest.mark.parametrize("passed_on", ["/team/studies/", "/"], ids=["as it is", "without the path"])
def test_under_a_prefix_a_proxy_may_pass_the_path_on_or_take_it_away(behind_a_proxy, passed_on):
    page = behind_a_proxy.get(passed_on).get_data(as_text=True)
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert files and all(file.startswith("/team/studies/") for file in files)
    for file in files:
        path = passed_on + file.removeprefix("/team/studies/")
        with behind_a_proxy.get(path) as answer:
            assert answer.status_code == 200, path
    assert behind_a_proxy.get(f"{passed_on}health").json == {"status": "ok"}


def test_health_is_told_to_nobody_under_another_name(client):
    assert client.get("/health").json == {"status": "ok"}
    assert client.get("/health", headers={"Host": "elsewhere.example"}).status_code == 403
