import pytest

from pnn_core.data import memory


def test_the_memory_is_that_of_a_machine_that_runs_tests():
    assert 2**28 < memory.memory_bytes() < 2**45


@pytest.mark.parametrize(("text", "expected"), [("max\n", None), ("1000000\n", 1_000_000)])
def test_a_limit_of_the_container_counts(tmp_path, monkeypatch, text, expected):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "_CGROUP_LIMITS", (str(tmp_path / "absent"), str(limit)))
    physical = memory.memory_bytes()
    limit.write_text(text)
    assert memory.memory_bytes() == (expected or physical)


def test_a_quarter_of_the_memory_may_hold_images(monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: 4000)
    assert memory.fits_in_memory(1000)
    assert not memory.fits_in_memory(1001)
