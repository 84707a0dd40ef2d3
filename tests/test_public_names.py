"""What users write needs public names alone, and the package holds what its users need."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGES = ("pnn_core", "search_spaces", "study", "dashboards")
PUBLIC = (
    "pnn_core",
    "pnn_core.architecture",
    "pnn_core.config",
    "pnn_core.data",
    "pnn_core.parts",
    "search_spaces",
    "study",
)
"""Packages whose `__all__` is what others may build on."""

EXAMPLES = [
    *ROOT.glob("docs/results/*/*.py"),
    *ROOT.glob("examples/*.py"),
]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def written_for_users() -> list[tuple[str, str]]:
    """Name and text of each example, and of each block of Python of a page."""
    found = [(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in EXAMPLES]
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        found += [
            (f"{page.relative_to(ROOT)}:{number}", text)
            for number, text in enumerate(blocks, start=1)
        ]
    return found


@pytest.mark.parametrize("package", PUBLIC)
def test_each_public_name_is_there(package: str) -> None:
    module = import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize(("place", "text"), written_for_users(), ids=lambda value: value[:60])
def test_pages_and_examples_import_public_names_alone(place: str, text: str) -> None:
    private = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            private += [name.name for name in node.names if is_ours(name.name)]
        elif isinstance(node, ast.ImportFrom) and node.module and is_ours(node.module):
            public = import_module(node.module).__all__ if node.module in PUBLIC else []
            private += [f"{node.module}.{n.name}" for n in node.names if n.name not in public]
    assert private == []


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    source = tmp_path / "source"
    for name in [*files.stdout.split(), "pyproject.toml", "README.md", "LICENSE"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('..'))"
    made = subprocess.run(
        [sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {*archive.namelist()}
    assert {*files.stdout.split()} - held == set()
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_the_pins_lie_within_the_bounds_of_the_dependencies() -> None:
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    )
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    outside = [
        text
        for text in project["dependencies"]
        if not (need := Requirement(text)).specifier.contains(pinned[need.name.lower()])
    ]
    assert outside == []
