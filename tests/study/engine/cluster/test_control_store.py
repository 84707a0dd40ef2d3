"""A control store that is gone is told of within seconds, before Ray ends the process."""

import queue
import socket
from types import SimpleNamespace

import pytest
import ray

from study.engine.cluster import control_store
from study.engine.cluster.control_store import control_store_watched


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch):
    """Something that answers in the place of the store."""
    monkeypatch.setattr(control_store, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(control_store, "OWN_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        context = SimpleNamespace(gcs_address=address)
        monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
        yield listening


def test_a_store_that_refuses_is_lost_and_named(store: socket.socket) -> None:
    told: queue.Queue[str] = queue.Queue()
    port = store.getsockname()[1]
    with control_store_watched(told.put, is_own=True):
        with pytest.raises(queue.Empty):
            told.get(timeout=0.5)
        store.close()
        reason = f"Ray's control store (gcs_server at 127.0.0.1:{port}) is gone"
        assert told.get(timeout=30) == reason


def test_another_clusters_store_may_be_away_for_longer(store: socket.socket) -> None:
    told: queue.Queue[str] = queue.Queue()
    store.close()
    with control_store_watched(told.put, is_own=False), pytest.raises(queue.Empty):
        told.get(timeout=0.5)


def test_a_store_that_ends_with_the_study_is_not_lost(store: socket.socket) -> None:
    told: queue.Queue[str] = queue.Queue()
    with control_store_watched(told.put, is_own=True):
        pass
    store.close()
    with pytest.raises(queue.Empty):
        told.get(timeout=0.5)
