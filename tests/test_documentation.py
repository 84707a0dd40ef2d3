"""Pages name files that exist, and the picture of the packages is that of the import contracts."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for folder in (
        ".",
        "docs",
        "docs/results",
        "docs/results/early_stopping",
        "benchmarks",
        "benchmarks/gpu",
    )
    for path in (ROOT / folder).glob("*.md")
)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
FILE = re.compile(
    r"`((?:pnn_core|study|search_spaces|dashboards|tests|benchmarks|docs)/[\w/.-]+\.\w+)`"
)
NODE = re.compile(r'(\w+)\["([\w.<>]+?)(?:<br>[^"]*)?"\]')
ARROW = re.compile(r'(\w+)(?:\["[^"]*"\])? --> (\w+)')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_links_or_names_exist(page):
    text = page.read_text(encoding="utf-8")
    links = [target for target in LINK.findall(text) if "://" not in target]
    missing = [target for target in links if not (page.parent / target).exists()]
    missing += [
        name
        for name in FILE.findall(text)
        if "NAME" not in name and not (ROOT / name).exists()  # NAME stands for any
    ]
    assert not missing


def floors() -> dict[str, int]:
    """Floor of each package in its import contract, counted from the top; pnn_core below all."""
    toml = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    for contract in toml["tool"]["importlinter"]["contracts"]:
        layers = contract.get("layers", ())
        if not any(name.startswith("dashboards.") for name in layers):
            below = 100 if any(name.startswith("pnn_core.") for name in layers) else 0
            for floor, names in enumerate(layers):
                found |= {name.strip(): below + floor for name in re.split(r"\|", names)}
    return found


def picture() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Package of each node of the picture, and its arrows."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    platform, core = text.split("```mermaid")[1].split("```")[0].split("subgraph core")
    nodes = dict(NODE.findall(platform))
    nodes |= {node: f"pnn_core.{name}" for node, name in NODE.findall(core)}
    return nodes, ARROW.findall(platform + core)


def test_the_picture_shows_every_package_of_the_import_contracts():
    assert {*picture()[0].values()} == floors().keys() - {"pnn_core", "study.simulate"}


def test_every_arrow_of_the_picture_points_down():
    nodes, arrows = picture()
    floor_of = floors()
    assert [
        (start, end) for start, end in arrows if floor_of[nodes[start]] >= floor_of[nodes[end]]
    ] == []
    assert len(arrows) > len(nodes)
