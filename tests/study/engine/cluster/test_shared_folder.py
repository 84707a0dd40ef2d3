"""A node that lacks the package is told as that, and not blamed on the place for checkpoints."""

import sys
from pathlib import Path

import pytest
import ray

from study.checkpoints.checkpoint_store import CheckpointStore
from study.command_line import blaming
from study.engine.cluster import shared_folder
from study.engine.cluster.connect import ClusterError
from study.engine.cluster.shared_folder import require_shared

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckpointStore:
    """A store that two nodes are asked about: the one that there is, twice."""
    (node,) = ray.nodes()
    monkeypatch.setattr(ray, "nodes", lambda: [node, node])
    store = CheckpointStore(url=str(tmp_path / "checkpoints"))
    store.create()
    return store


def test_nodes_that_see_the_folder_are_accepted(store: CheckpointStore) -> None:
    require_shared(store)
    assert store.names() == []


def test_a_node_that_lacks_the_package_is_named(
    store: CheckpointStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driver_alone.py").write_text("def sees(store, name, content):\n    return True\n")
    monkeypatch.syspath_prepend(tmp_path)
    import driver_alone

    monkeypatch.setattr(shared_folder, "_sees", driver_alone.sees)
    with (
        pytest.raises(ClusterError) as raised,
        blaming("--checkpoints", store.url),
    ):
        require_shared(store)
    assert str(raised.value) == (
        "--address: node 127.0.0.1 lacks the package (No module named 'driver_alone'): install it, "
        "and what it needs, in the Python that Ray runs there, or have a job bring it: ray job "
        "submit --working-dir FOLDER -- COMMAND"
    )
    del sys.modules["driver_alone"]
    assert store.names() == []
