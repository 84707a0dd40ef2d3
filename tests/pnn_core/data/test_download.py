import socket
import sys
from urllib.error import URLError

import pytest

from pnn_core.data.dataset import DatasetError
from pnn_core.data.download import download


def fetch_whole(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_text("whole")
    (folder / "sub" / "file.gz").write_text("archive")


def fetch_half(folder):
    fetch_whole(folder)
    raise URLError("no route to host")


def get(fetch, data_dir):
    download(fetch, data_dir, missing="nothing there", advice="put it there")


@pytest.mark.parametrize("data_dir", ["present", "absent", "absent/deeper"])
def test_a_whole_download_arrives_without_its_archives(tmp_path, data_dir):
    (tmp_path / "present").mkdir()
    get(fetch_whole, tmp_path / data_dir)
    files = sorted(p for p in (tmp_path).rglob("*") if p.is_file())
    assert files == [tmp_path / data_dir / "sub" / "file"]
    assert not list(tmp_path.rglob(".download-*"))


@pytest.mark.parametrize("data_dir", ["present", "absent", "absent/deeper"])
@pytest.mark.parametrize("error", [URLError("x"), RuntimeError("x"), KeyboardInterrupt()])
def test_a_download_that_ends_halfway_leaves_nothing(tmp_path, data_dir, error):
    def fetch(folder):
        fetch_whole(folder)
        raise error

    (tmp_path / "present").mkdir()
    with pytest.raises((DatasetError, KeyboardInterrupt)):
        get(fetch, tmp_path / data_dir)
    assert list(tmp_path.rglob("*")) == [tmp_path / "present"]


def test_files_already_there_stay_and_those_of_the_same_name_are_replaced(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("half")
    (tmp_path / "sub" / "own").write_text("mine")
    get(fetch_whole, tmp_path)
    assert (tmp_path / "sub" / "file").read_text() == "whole"
    assert (tmp_path / "sub" / "own").read_text() == "mine"


def test_a_failure_is_told_in_one_line_with_its_reason_and_the_way_out(tmp_path):
    def fetch(folder):
        raise RuntimeError("Error downloading x:\nTried one, got:\nfirst\nTried two, got:\nlast\n")

    with pytest.raises(DatasetError) as caught:
        get(fetch, tmp_path)
    assert str(caught.value) == "nothing there, and the download failed (last): put it there"


def test_a_folder_that_cannot_be_made_is_a_failure_like_others(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DatasetError, match=r"Not a directory.*put it there"):
        get(fetch_whole, tmp_path / "file" / "data")


@pytest.mark.parametrize("fetch", [fetch_whole, fetch_half])
def test_waiting_for_a_server_is_limited_only_while_downloading(tmp_path, fetch):
    seen = []

    def watching(folder):
        seen.append(socket.getdefaulttimeout())
        fetch(folder)

    try:
        get(watching, tmp_path)
    except DatasetError:
        assert fetch is fetch_half
    assert seen == [30.0]
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(tmp_path, monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)

    def fetch(folder):
        print("99%", file=sys.stderr)

    get(fetch, tmp_path)
    captured = capsys.readouterr()
    assert captured.err == ("99%\n" if terminal else "")
    assert captured.out == ""
