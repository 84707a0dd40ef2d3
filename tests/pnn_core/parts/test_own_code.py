"""Code of one's own is found by file or entry point, recorded, and found again as it was."""

from dataclasses import replace
from pathlib import Path

import pytest

from pnn_core.parts.own_code import Kind, OwnCode, find_code, recorded_name


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers a sampler."""
    (tmp_path / "mine.py").write_text("def made(seed): return seed\n")
    info = tmp_path / "mine-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[pnn_study.samplers]\nmade = mine:made\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        (Kind.DATASET, "some/where/data.py", "data.py"),
        (Kind.NETWORK, "some/where/net.py:build", "net.py:build"),
        (Kind.SAMPLER, "sampler.py", "sampler.py"),
        (Kind.LAYER, "some/layer.py", "layer"),
        (Kind.OBJECTIVE, "some/objective.py:sharpness", "sharpness"),
        (Kind.SAMPLER, "made", "made"),
    ],
)
def test_a_recorded_name_holds_no_folder(kind: Kind, text: str, name: str) -> None:
    assert recorded_name(kind, text) == name


def test_a_file_is_run_once_and_a_changed_one_anew(tmp_path: Path) -> None:
    path = tmp_path / "counted.py"
    path.write_text("def sampler(seed): return 1")
    code = find_code(Kind.SAMPLER, str(path))
    assert code is not None
    assert code.load() is code.load()
    path.write_text("def sampler(seed): return 2")
    changed = find_code(Kind.SAMPLER, str(path))
    assert changed is not None
    assert (code.load()(0), changed.load()(0)) == (1, 2)


def test_code_without_its_text_is_read_back_and_takes_it_from_the_file_that_has_it(
    tmp_path: Path,
) -> None:
    path, copy = tmp_path / "mine.py", tmp_path / "copy.py"
    path.write_text("X = 1")
    code = find_code(Kind.DATASET, str(path))
    assert code is not None
    copy.write_text("X = 1")
    path.write_text("X = 2")
    stored = OwnCode.of_record(code.recorded)
    assert stored == replace(code, source=b"")
    assert stored.with_text_from([path, copy]) == code
    with pytest.raises(ValueError, match=r"mine.py is not to be found as it was .* bring it back"):
        stored.with_text_from([path])
    with pytest.raises(ValueError, match="must say kind, name"):
        OwnCode.of_record({"kind": "dataset"})


def test_an_entry_point_is_recorded_with_its_package_and_version(package: Path) -> None:
    code = find_code(Kind.SAMPLER, "made")
    assert code == OwnCode(kind=Kind.SAMPLER, name="made", digest="mine 1.2")
    assert code.load()(7) == 7
    assert code.with_text_from([]) is code
    assert find_code(Kind.NETWORK, "made") is None
    with pytest.raises(ValueError, match=r"comes from mine 1.2 here, .* started with mine 1.1"):
        replace(code, digest="mine 1.1").load()
    with pytest.raises(ValueError, match=r"entry point of mine 1.2, which is not installed"):
        replace(code, name="unmade").load()


def test_what_a_file_lacks_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import math\ndef network(): pass\ndef other(): pass")
    code = find_code(Kind.SAMPLER, str(path))
    assert code is not None
    with pytest.raises(ValueError, match=r"no function sampler; it defines network, other"):
        code.load()
    with pytest.raises(ValueError, match=r"there is no file gone.py"):
        find_code(Kind.SAMPLER, "gone.py")
