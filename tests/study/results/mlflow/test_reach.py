import http.server
import os
import socket
import threading
import time
import traceback

import pytest

from study.results.mlflow.errors import TrackerUnreachableError
from study.results.mlflow.store import MlflowStore


@pytest.fixture
def silent_port():
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Page(http.server.BaseHTTPRequestHandler):
    """What a web server of another kind answers."""

    status = 200

    def do_GET(self):
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def do_POST(self):
        self.do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture(params=[200, 404, 500])
def other_server(request, monkeypatch):
    monkeypatch.setattr(Page, "status", request.param)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def unreachable(uri):
    """The message of a failed check, which must come within ten seconds."""
    began = time.monotonic()
    with pytest.raises(TrackerUnreachableError) as caught:
        MlflowStore(uri).check()
    assert time.monotonic() - began < 10
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_closed_port_is_named(closed_port):
    uri = f"http://127.0.0.1:{closed_port}"
    assert unreachable(uri) == f"MLflow tracker {uri} cannot be used: connection refused"


def test_a_server_that_never_answers_is_named(silent_port):
    uri = f"http://127.0.0.1:{silent_port}"
    assert unreachable(uri) == f"MLflow tracker {uri} cannot be used: it does not answer in time"


def test_a_database_server_that_never_answers_is_given_up(silent_port, monkeypatch):
    import sqlalchemy

    class Hanging:
        def connect(self):
            with socket.create_connection(("127.0.0.1", silent_port)) as connection:
                connection.settimeout(20)
                connection.recv(1)

    monkeypatch.setattr(sqlalchemy, "create_engine", lambda uri: Hanging())
    message = unreachable("postgresql://me:secret@127.0.0.1/mlflow")
    assert "postgresql://me:***@127.0.0.1/mlflow cannot be used: it does not answer" in message


def test_another_web_server_is_not_taken_for_mlflow(other_server):
    assert other_server in unreachable(other_server)


@pytest.mark.parametrize("other_server", [401], indirect=True)
def test_a_tracker_that_asks_who_it_is_says_how_to_tell(other_server):
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in unreachable(other_server)


def test_no_password_is_shown(closed_port):
    message = unreachable(f"http://me:s3cret@127.0.0.1:{closed_port}")
    assert f"http://me:***@127.0.0.1:{closed_port}" in message
    assert "s3cret" not in message


def test_an_error_that_nobody_catches_shows_no_password(closed_port):
    password = "".join(["s3", "cret"])  # not as a whole in this line, which is shown as well
    with pytest.raises(TrackerUnreachableError) as caught:
        MlflowStore(f"http://me:{password}@127.0.0.1:{closed_port}").has_study("x")
    assert password not in "".join(traceback.format_exception(caught.value))


def test_the_filesystem_store_is_refused_in_mlflows_words(tmp_path):
    message = unreachable(f"file:{tmp_path}/runs")
    assert "maintenance mode" in message
    assert not any(tmp_path.iterdir())


def test_a_local_store_in_a_missing_folder_is_refused(tmp_path):
    message = unreachable(f"sqlite:///{tmp_path}/no/mlflow.db")
    assert message.endswith(f"there is no folder {tmp_path / 'no'}")
    assert not any(tmp_path.iterdir())


def test_a_local_store_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    # The superuser may write anywhere, so the question itself is answered with no.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert unreachable(f"sqlite:///{tmp_path}/mlflow.db").endswith(f"{tmp_path} cannot be written")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_text("precious text that is long enough to be read as a header" * 20)
    before = path.read_bytes()
    uri = f"sqlite:///{path}"
    assert unreachable(uri).endswith("file is not a database")
    with pytest.raises(TrackerUnreachableError, match="file is not a database"):
        MlflowStore(uri).has_study("x")
    assert path.read_bytes() == before


def test_looking_creates_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = MlflowStore(None)
    store.check()
    assert not store.has_study("x")
    assert store.study_names() == ()
    with pytest.raises(ValueError, match="which holds no study yet"):
        store.load_study("x")
    assert not any(tmp_path.iterdir())


def test_looking_at_an_empty_file_leaves_it_empty(tmp_path):
    path = tmp_path / "mlflow.db"
    path.touch()
    store = MlflowStore(f"sqlite:///{path}")
    store.check()
    assert not store.has_study("x")
    assert path.stat().st_size == 0


def test_a_good_tracker_passes(uri):
    MlflowStore(uri).check()


def test_a_users_own_limits_and_environment_stay_as_they_were(uri):
    from mlflow import environment_variables as variables

    names = ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    before = [getattr(variables, name).get() for name in names], dict(os.environ)
    MlflowStore(uri).check()
    assert ([getattr(variables, name).get() for name in names], dict(os.environ)) == before


def test_the_environment_variable_names_the_tracker(monkeypatch, sqlite_uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri)
    assert MlflowStore(None).shown_uri == sqlite_uri
