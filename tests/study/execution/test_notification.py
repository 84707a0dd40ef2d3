"""A study's end is told to a command or a URL, and a place that cannot be told costs nothing."""

import http.server
import json
import socket
import sys
import threading

import pytest

from study.execution.notification import Notice, notify
from study.planning.notified_place import read_notified

NOTICE = Notice(study="s", end="done", text="Study s done: 2 complete of 2")
AS_JSON = {"study": "s", "end": "done", "text": "Study s done: 2 complete of 2"}


def test_a_command_gets_the_notice_on_standard_input(tmp_path):
    told = tmp_path / "told.json"
    code = f"import pathlib, sys; pathlib.Path({str(told)!r}).write_text(sys.stdin.read())"
    assert notify(f'{sys.executable} -c "{code}"', NOTICE) == ""
    assert json.loads(told.read_text()) == AS_JSON


@pytest.fixture
def webhook():
    """A server that keeps what it is told, and its answer's status."""
    told = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", told
        server.shutdown()


def test_a_url_is_posted_the_notice(webhook):
    url, told = webhook
    assert notify(url, NOTICE) == ""
    assert told == [AS_JSON]


def test_what_fails_is_one_sentence_without_the_password(webhook):
    url, _ = webhook
    assert notify(f"{url}/broken", NOTICE).endswith(
        "/broken: HTTP Error 500: Internal Server Error"
    )
    nobody = notify("http://me:secret@127.0.0.1:9/hook", NOTICE)
    assert nobody.startswith("--notify http://me:***@127.0.0.1:9/hook: ")
    assert notify(f"{sys.executable} -c 'exit(3)'", NOTICE).endswith("ended with status 3")


def test_a_server_that_does_not_speak_http_is_told_of():
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        place = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        said = notify(place, NOTICE)
        assert said.startswith(f"--notify {place}: SSH-2.0-OpenSSH")
        assert said.isprintable()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("no-such-program --now", "no program 'no-such-program' is found"),
        ("ftp://host/file", "must be a URL that begins with http:// or https://"),
        ("mail 'me", "is no command: No closing quotation"),
        ("", "no program '' is found"),
        (
            "http://me:secret@host/hook",
            "the address at host has a user, which a POST does not send",
        ),
        ("http://127.0.0.1:abc/x", "must be http://HOST:PORT/PATH"),
        ("http://h/a b", "without spaces"),
        ("http:///path", "must be http://HOST:PORT/PATH"),
    ],
)
def test_a_place_that_cannot_be_is_refused(typed, said):
    with pytest.raises(ValueError, match=said):
        read_notified(typed)
