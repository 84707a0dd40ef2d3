"""Photographs: images of many sizes. Networks that train by torch's own operators."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pnn_core.fused import operators


@pytest.fixture
def use_plain_operators(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Whether torch's own operators do what the fused ones could, from here to the test's end."""
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
    """A copy to damage."""
    return Path(shutil.copytree(shared_photographs, tmp_path / "photographs"))
