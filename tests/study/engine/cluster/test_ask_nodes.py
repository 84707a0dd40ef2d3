"""Every node is asked, and one that leaves meanwhile stops nobody."""

import platform

import pytest
import ray

from study.engine.cluster.ask_nodes import ask_every_node

pytestmark = pytest.mark.usefixtures("cluster")


def test_a_node_that_left_is_left_out_and_one_that_stays_silent_is_told(monkeypatch) -> None:
    here = [node for node in ray.nodes() if node["Alive"]]
    gone = {"Alive": True, "NodeID": "a" * 56, "NodeManagerAddress": "10.0.0.9"}
    seen = iter([[*here, gone]])
    monkeypatch.setattr(ray, "nodes", lambda: next(seen, here))
    (answer,) = ask_every_node(platform.python_version, seconds=60)
    assert (answer.answer, answer.error) == (platform.python_version(), None)

    monkeypatch.setattr(ray, "nodes", lambda: [*here, gone])
    _, silent = ask_every_node(platform.python_version, seconds=60)
    assert (silent.address, silent.answer) == ("10.0.0.9", None)
    assert silent.error is not None
