"""A file is replaced whole or not at all, whatever it holds and whatever happens meanwhile."""

import errno
import json
import os
import resource
import signal
from pathlib import Path

import pytest

from study.results.whole_file import is_part_of, write_whole

NOT_UTF8 = os.fsdecode(b"photo-\xff.png")
"""Name of a file as Python has it whose bytes are no UTF-8."""


def test_what_is_no_utf8_is_spelt_out_and_json_reads_it_back(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_whole(path, json.dumps([NOT_UTF8, "é"], ensure_ascii=False))
    assert path.read_bytes() == '["photo-\\udcff.png", "é"]'.encode()
    assert json.loads(path.read_text("utf-8")) == [NOT_UTF8, "é"]


def test_a_full_disk_names_the_file_and_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_whole(path, "earlier")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=r"cannot write: File too large: '.*page\.html'"):
            write_whole(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_kill_in_the_midst_leaves_the_earlier_file_and_a_part_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_whole(path, "earlier")
    if (child := os.fork()) == 0:
        os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
        try:
            write_whole(path, "half")
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert path.read_text() == "earlier"
    (part,) = (each for each in tmp_path.iterdir() if each != path)
    assert is_part_of(part, "page.html")
    assert not is_part_of(path, "page.html")


def test_a_private_file_is_its_owners_alone_and_any_other_follows_the_umask(tmp_path: Path) -> None:
    private, shared = tmp_path / "private", tmp_path / "shared"
    before = os.umask(0o022)
    try:
        write_whole(private, b"", private=True)
        write_whole(shared, b"")
    finally:
        os.umask(before)
    assert oct(private.stat().st_mode & 0o777) == "0o600"
    assert oct(shared.stat().st_mode & 0o777) == "0o644"


def test_the_mode_and_the_link_that_a_user_chose_stay(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept", tmp_path / "link"
    kept.write_text("earlier")
    kept.chmod(0o640)
    link.symlink_to(kept)
    write_whole(link, "later", private=True)
    assert link.is_symlink()
    assert kept.read_text() == "later"
    assert kept.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No such file") as raised:
        write_whole(tmp_path / "gone" / "page.html", "")
    assert raised.value.errno == errno.ENOENT
    assert raised.value.filename == str(tmp_path / "gone" / "page.html")
