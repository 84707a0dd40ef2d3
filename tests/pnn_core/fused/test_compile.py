"""The compiled operators: once for each source, torch and processor, and a plain word without."""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch

from pnn_core.config import FUSED, TORCH
from pnn_core.fused import compile as compiling
from pnn_core.fused import operators


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_library_is_another_one_for_another_source_torch_processor_or_c_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {compiling.library_path()}
    assert compiling.library_path() in paths
    assert not compiling.is_built()
    monkeypatch.setattr(compiling, "_processor", lambda: "another")
    paths.add(compiling.library_path())
    monkeypatch.setattr(compiling, "_torch_version", lambda: "another")
    paths.add(compiling.library_path())
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.0"))
    paths.add(compiling.library_path())
    monkeypatch.setattr(compiling, "SOURCES", tmp_path / "other")
    compiling.SOURCES.mkdir()
    (compiling.SOURCES / "operators.cpp").write_text("int x;\n")
    paths.add(compiling.library_path())
    assert len(paths) == 5


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


def test_what_is_built_is_not_built_again(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert compiling.build() == whole


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operators of this machine, copied from the session's cache into one of their own."""
    own = os.environ["XDG_CACHE_HOME"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path(__file__).parents[3] / ".pytest_cache/caches"))
    try:
        built = compiling.build()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    monkeypatch.setenv("XDG_CACHE_HOME", own)
    library = compiling.library_path()
    library.parent.mkdir(parents=True)
    shutil.copy(built, library)
    return library


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Libraries that torch was given; it ends a process that loads the operators from two files."""
    given: list[Path] = []

    def load(library: Path) -> None:
        if b"another machine" in library.read_bytes():
            raise OSError(f"{library}: invalid ELF header")
        given.append(library)

    monkeypatch.setattr(torch.ops, "load_library", load)
    return given


@pytest.fixture
def chosen_anew(loaded: list[Path]) -> Iterator[None]:
    """Each process asks once for the operators."""
    operators.are_built.cache_clear()
    yield
    operators.are_built.cache_clear()
    operators.use_operators(None)


def cut(library: Path) -> None:
    library.write_bytes(library.read_bytes()[:-1000])


def flip(library: Path) -> None:
    """One bit of the code, which no loader would notice."""
    content = bytearray(library.read_bytes())
    content[len(content) // 2] ^= 1
    library.write_bytes(content)


def replace(library: Path) -> None:
    library.write_bytes(b"made for another machine")


@pytest.mark.parametrize("harm", [cut, flip, replace])
def test_a_damaged_library_is_built_again_or_refused_and_never_passed_over(
    whole: Path,
    harm: Callable[[Path], None],
    chosen_anew: None,
    loaded: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = whole.read_bytes()
    assert compiling.is_built()
    harm(whole)
    assert not compiling.is_built()
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        without.delenv("CXX", raising=False)
        with pytest.raises(operators.OperatorsError, match=r"is damaged and cannot be built again"):
            operators.are_built()
    monkeypatch.setattr(compiling, "_compile", lambda made: made.write_bytes(unmarked(before)))
    assert operators.are_built()
    assert whole.read_bytes() == before
    assert loaded == [whole]


def unmarked(content: bytes) -> bytes:
    return content.rpartition(compiling._MARK)[0]


def test_a_whole_library_that_cannot_be_loaded_here_is_built_again(
    whole: Path, chosen_anew: None, loaded: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage a library, as one that another C library's machine left in a shared home folder is."""
    before = whole.read_bytes()
    foreign = b"made for another machine"
    whole.write_bytes(foreign + compiling._MARK + hashlib.sha256(foreign).hexdigest().encode())
    assert compiling.is_whole(whole)
    monkeypatch.setattr(compiling, "_compile", lambda made: made.write_bytes(unmarked(before)))
    assert operators.are_built()
    assert loaded == [whole]


def test_a_process_trains_by_the_arithmetic_that_it_was_told(
    whole: Path, chosen_anew: None
) -> None:
    cpu = torch.device("cpu")
    x = torch.zeros(2, 3, 4, 4)
    for told, used in ((None, FUSED), (TORCH, TORCH), (FUSED, FUSED)):
        operators.use_operators(told)
        assert operators.arithmetic_on(cpu) == used
        assert operators._takes(x, (), is_training=True) == (used == FUSED)
    assert operators.arithmetic_on(torch.device("meta")) == TORCH


def test_operators_that_were_recorded_are_built_or_missed_in_one_sentence(
    chosen_anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    operators.use_operators(TORCH)
    operators.use_operators(None)
    assert operators.arithmetic_on(torch.device("cpu")) == TORCH
    with pytest.raises(operators.OperatorsError, match=r"cannot be built: no C\+\+ compiler: acc"):
        operators.use_operators(FUSED)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no home"),
        PermissionError("another user's"),
        PackageNotFoundError("torch"),  # as where it was built in place
    ],
)
def test_no_home_folder_is_needed_to_train(
    error: Exception, chosen_anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Path:
        raise error

    monkeypatch.setattr(operators, "library_path", fail)
    monkeypatch.setattr(compiling, "library_path", fail)
    assert not operators.are_built()
    assert not compiling.is_built()
