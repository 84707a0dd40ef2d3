"""Photographs: images of many sizes. Networks that train by torch's own operators."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pnn_core.fused import operators


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Run torch with one thread, so that sums are always added in the same order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def use_plain_operators(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Choose torch's own operators, or the fused ones, from here to the test's end."""
    are_built = operators.are_built

    def use(plain: bool) -> None:
        monkeypatch.setattr(operators, "are_built", (lambda: False) if plain else are_built)

    return use


@pytest.fixture(scope="session")
def shared_photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 JPEGs with edges of 260 to 300 pixels, of two classes; 4 for testing."""
    root = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 2)):
        for name in ("cat", "dog"):
            folder = root / part / name
            folder.mkdir(parents=True)
            for index in range(count):
                coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
                width, height = rng.integers(260, 301, 2)
                smooth = coarse.resize((int(width), int(height)), Image.Resampling.BICUBIC)
                smooth.save(folder / f"{index:02}.jpg", quality=90)
    return root


@pytest.fixture
def photographs(shared_photographs: Path, tmp_path: Path) -> Path:
    """Copy of the photographs, to be damaged."""
    return Path(shutil.copytree(shared_photographs, tmp_path / "photographs"))
