import shutil
import subprocess
from importlib import metadata

import pytest

from study.results.provenance import git_commit, library_versions


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A tracked file in a checkout with one commit."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    path = tmp_path / "package" / "code.py"
    path.parent.mkdir()
    path.write_text("1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "package/code.py")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return path


def git(folder, *arguments):
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_the_checkouts_head(source):
    assert git_commit(source) == git(source.parent, "rev-parse", "HEAD")
    assert len(git_commit(source)) == 40


def test_a_changed_checkout_is_marked_dirty(source):
    source.write_text("2\n")
    assert git_commit(source) == git(source.parent, "rev-parse", "HEAD") + "-dirty"


def test_files_that_a_study_writes_do_not_make_a_checkout_dirty(source):
    (source.parent.parent / "mlflow.db").write_text("")
    assert not git_commit(source).endswith("-dirty")


def test_code_installed_inside_a_strange_checkout_has_no_commit(source):
    installed = source.with_name("installed.py")
    installed.write_text("")
    assert git_commit(installed) == ""


def test_a_folder_that_is_no_checkout_has_no_commit(tmp_path):
    assert git_commit(tmp_path / "code.py") == ""


def test_without_git_there_is_no_commit(source, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert git_commit(source) == ""


def test_versions_are_those_installed():
    versions = library_versions()
    assert versions["torch"] == metadata.version("torch")
    assert {"python", "ray", "optuna", "mlflow"} < versions.keys()


def test_a_library_that_is_absent_is_left_out(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    assert library_versions().keys() == {"python"}
