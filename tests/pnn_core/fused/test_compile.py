"""The compiled operators: once for each source, torch and processor, and a plain word without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pnn_core.fused import compile as compiling
from pnn_core.fused import operators


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_library_is_another_one_for_another_source_or_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compiling.library_path()
    assert compiling.library_path() == first
    monkeypatch.setattr(compiling, "_processor", lambda: "another")
    second = compiling.library_path()
    monkeypatch.setattr(compiling, "SOURCES", tmp_path / "other")
    compiling.SOURCES.mkdir()
    (compiling.SOURCES / "operators.cpp").write_text("int x;\n")
    assert len({first, second, compiling.library_path()}) == 3


def test_without_a_compiler_it_says_so_and_how_networks_train(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert compiling.main() == 1
    assert capsys.readouterr().err == (
        "no C++ compiler: accepted are g++, or the one that CXX names\n"
        "Without them, networks train by torch's own operators.\n"
    )


def test_a_cache_that_cannot_be_written_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert compiling.main() == 1
    first, second = capsys.readouterr().err.splitlines()
    assert str(file) in first
    assert second.startswith("Without them")


def test_what_the_compiler_refuses_leaves_nothing_behind(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "broken"
    sources.mkdir()
    (sources / "operators.cpp").write_text("this is no C++\n")
    monkeypatch.setattr(compiling, "SOURCES", sources)
    with pytest.raises(RuntimeError, match="broken"):
        compiling.build()
    assert list((empty_cache / "pnn-study").iterdir()) == []


def test_what_is_built_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    library = compiling.library_path()
    library.parent.mkdir(parents=True)
    library.write_bytes(b"")
    monkeypatch.setenv("PATH", "")
    assert compiling.build() == library


@pytest.fixture
def chosen_anew() -> Iterator[None]:
    """Each process asks once for the operators."""
    operators.are_built.cache_clear()
    yield
    operators.are_built.cache_clear()


def test_a_library_that_cannot_be_loaded_is_warned_of_and_left_alone(chosen_anew: None) -> None:
    library = compiling.library_path()
    library.parent.mkdir(parents=True)
    library.write_bytes(b"made for another machine")
    with pytest.warns(UserWarning, match=f"{library} cannot be loaded .*: remove it and run"):
        assert not operators.are_built()


@pytest.mark.parametrize("error", [RuntimeError("no home"), PermissionError("another user's")])
def test_no_home_folder_is_needed_to_train(
    error: Exception, chosen_anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Path:
        raise error

    monkeypatch.setattr(operators, "library_path", fail)
    assert not operators.are_built()
