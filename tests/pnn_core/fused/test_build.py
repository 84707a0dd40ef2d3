"""The compiled operators: once for each source, torch and processor, and a plain word without."""

from pathlib import Path

import pytest

from pnn_core.fused import build


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_library_is_another_one_for_another_source_or_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build.library_path()
    assert build.library_path() == first
    monkeypatch.setattr(build, "_processor", lambda: "another")
    second = build.library_path()
    monkeypatch.setattr(build, "SOURCES", tmp_path / "other")
    build.SOURCES.mkdir()
    (build.SOURCES / "operators.cpp").write_text("int x;\n")
    assert len({first, second, build.library_path()}) == 3


def test_without_a_compiler_it_says_so_and_how_networks_train(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert build.main() == 1
    assert capsys.readouterr().err == (
        "no C++ compiler: accepted are g++, or the one that CXX names\n"
        "Without them, networks train by torch's own operators.\n"
    )


def test_what_the_compiler_refuses_leaves_nothing_behind(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "broken"
    sources.mkdir()
    (sources / "operators.cpp").write_text("this is no C++\n")
    monkeypatch.setattr(build, "SOURCES", sources)
    with pytest.raises(RuntimeError, match="broken"):
        build.build()
    assert list((empty_cache / "pnn-study").iterdir()) == []


def test_what_is_built_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    library = build.library_path()
    library.parent.mkdir(parents=True)
    library.write_bytes(b"")
    monkeypatch.setenv("PATH", "")
    assert build.build() == library
