"""A control store that is gone is told of within seconds, before Ray ends the process."""

import queue
import socket
import threading
from types import SimpleNamespace

import pytest
import ray

from study.engine.cluster import control_store
from study.engine.cluster.control_store import control_store_watched


def never() -> bool:
    return False


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
    with control_store_watched(told.put, is_own=True, told_to_end=never):
        with pytest.raises(queue.Empty):
            told.get(timeout=0.5)
        store.close()
        reason = f"Ray's control store (gcs_server at 127.0.0.1:{port}) is gone"
        assert told.get(timeout=30) == reason


def test_another_clusters_store_may_be_away_for_longer(store: socket.socket) -> None:
    told: queue.Queue[str] = queue.Queue()
    store.close()
    watched = control_store_watched(told.put, is_own=False, told_to_end=never)
    with watched, pytest.raises(queue.Empty):
        told.get(timeout=0.5)


def test_a_store_that_ends_with_the_study_is_not_lost(store: socket.socket) -> None:
    told: queue.Queue[str] = queue.Queue()
    with control_store_watched(told.put, is_own=True, told_to_end=never):
        pass
    store.close()
    with pytest.raises(queue.Empty):
        told.get(timeout=0.5)


def test_another_clusters_store_is_not_waited_for_once_the_study_was_told_to_end(
    store: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_store, "HURRIED_SECONDS", 0.2)
    told: queue.Queue[str] = queue.Queue()
    signalled = threading.Event()
    store.close()
    with control_store_watched(told.put, is_own=False, told_to_end=signalled.is_set):
        with pytest.raises(queue.Empty):
            told.get(timeout=0.5)
        signalled.set()
        assert told.get(timeout=30).endswith("is gone")
