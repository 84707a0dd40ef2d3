"""The live page, served."""

import threading
from collections.abc import Callable, Iterator

import pytest
from werkzeug.serving import make_server

from dashboards.live.server import create_app


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Serves the page of a tracker on this machine, and gives its address."""
    servers = []

    def start(tracking_uri: str) -> str:
        server = make_server("127.0.0.1", 0, create_app(tracking_uri).server, threaded=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
