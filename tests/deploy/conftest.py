"""Files of `deploy`, as their programs read them."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.scripts.scripts import start

from study.planning.arguments import Arguments, parse_arguments

DEPLOY = Path(__file__).parents[2] / "deploy"
DRIVER = ("python", "-m", "study.run")


@pytest.fixture(scope="session")
def deploy() -> Path:
    """The folder that is tested."""
    return DEPLOY


@pytest.fixture(scope="session")
def documents() -> Callable[[str], list[Any]]:
    """Reads all documents of a YAML file."""
    return lambda name: [*yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8"))]


@pytest.fixture(scope="session")
def accept_ray_start() -> Callable[[str], dict[str, Any]]:
    """Has Ray's own command line read the words behind `ray start` in a shell command."""

    def accept(command: str) -> dict[str, Any]:
        words = shlex.split(re.split(r"&&|;", command.rpartition("ray start ")[2])[0])
        return start.make_context("start", words).params

    return accept


@pytest.fixture(scope="session")
def accept_study() -> Callable[[list[str]], Arguments]:
    """Has `study.run` read a command that starts it."""

    def accept(command: list[str]) -> Arguments:
        assert tuple(command[:3]) == DRIVER
        return parse_arguments(command[3:])

    return accept
