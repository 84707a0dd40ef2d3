"""Dockerfile: built where a program can, read where none can."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BUILD_SECONDS = 3600
NO_REGISTRY = re.compile(
    r"(pinging container registry|failed to do request|failed to resolve source metadata).*"
    r"(no such host|connection refused|network is unreachable|i/o timeout)"
)
"""What builders say of a base image whose registry has no address or does not answer."""


def instructions() -> list[tuple[str, str]]:
    """Each instruction's name and its words, whose lines are joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(name, words) for name, _, words in (line.partition(" ") for line in lines) if name]


def words_of(name: str) -> list[str]:
    return [words for found, words in instructions() if found == name]


def builder() -> list[str] | None:
    """The program that can build an image here."""
    for program in ("docker", "podman", "buildah"):
        if shutil.which(program):
            probe = subprocess.run([program, "info"], capture_output=True, check=False)
            if probe.returncode == 0:
                return [program, "build"]
    return None


def test_it_builds():
    program = builder()
    if program is None:
        pytest.skip("no program that builds images runs here")
    command = [*program, "--file", str(DOCKERFILE), "--tag", "pnn-study:test", str(ROOT)]
    built = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    if unreachable := NO_REGISTRY.search(built.stderr):
        pytest.skip(f"no registry of images can be reached: {unreachable.group()}")
    assert built.returncode == 0, built.stderr


def test_what_it_copies_is_there_and_is_sent_to_the_builder():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source
        for words in words_of("COPY")
        if not words.startswith("--from")
        for source in words.split()[:-1]
    }
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


def test_all_packages_are_installed():
    toml = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = toml["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {package.rstrip("*") for package in packages} <= {*" ".join(words_of("COPY")).split()}


def test_versions_are_those_of_the_constraints():
    installs = re.findall(r"pip install ([^&]*)", " ".join(words_of("RUN")))
    assert installs
    for words in installs:
        assert "-c constraints.txt" in words or words.strip() == "--no-deps --force-reinstall ."


def test_the_extras_are_those_of_the_project():
    toml = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", " ".join(words_of("RUN")))
    assert {*extras.split(",")} <= {*toml["project"]["optional-dependencies"]}


def test_it_runs_as_nobody_of_importance():
    user = words_of("USER")[-1]
    assert user.isdigit()  # Kubernetes cannot see that a name is not root
    assert int(user) > 0


def test_no_file_of_the_folder_names_a_registry():
    bases = [words.split()[0] for words in words_of("FROM")]
    assert bases[0] == "${BASE}"
    bases += [words.partition("=")[2] for words in words_of("ARG") if words.startswith("BASE=")]
    for path in DOCKERFILE.parent.iterdir():
        text = path.read_text(encoding="utf-8")
        images = re.findall(r"^\s*image: (?:\$\{\w+:-)?([\w./:-]+)", text, re.MULTILINE)
        assert all("." not in image.split("/")[0] for image in (*images, *bases) if "/" in image)
        assert not re.findall(r"https?://\w+\.\w+", re.sub(r"https?://[\d.]+", "", text))
