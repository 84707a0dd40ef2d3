"""The live page, served."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from werkzeug.serving import make_server

from dashboards.live.server import create_app


@contextlib.contextmanager
def serving() -> Iterator[Callable[[str], str]]:
    """Gives what serves the page of a tracker on this machine, and tells its address."""
    servers = []

    def start(tracking_uri: str) -> str:
        server = make_server("127.0.0.1", 0, create_app(tracking_uri).server, threaded=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Serves the page of a tracker for one test."""
    with serving() as start:
        yield start


@pytest.fixture(scope="module")
def serve_to_all() -> Iterator[Callable[[str], str]]:
    """Serves the page of a tracker for all tests of a file, which only read it."""
    with serving() as start:
        yield start
