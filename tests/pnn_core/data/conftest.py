"""Small data sets on disk, and a witness of which files are opened."""

import contextlib
import functools
import gzip
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pnn_core.data import confirm_step

_witnesses: list[list[str]] = []


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if _witnesses and event == "open" and isinstance(arguments[0], str | Path):
        for witness in _witnesses:
            witness.append(Path(arguments[0]).name)


sys.addaudithook(_record)  # once: Python has no way to remove one


@contextlib.contextmanager
def _opened_files() -> Iterator[list[str]]:
    names: list[str] = []
    _witnesses.append(names)
    try:
        yield names
    finally:
        _witnesses.remove(names)


@pytest.fixture
def confirming() -> Iterator[None]:
    """Opens the test set, as the confirm step does."""
    with confirm_step():
        yield


@pytest.fixture
def opened_files() -> Callable[[], contextlib.AbstractContextManager[list[str]]]:
    """Collects the names of all files that Python opens within the context."""
    return _opened_files


def _write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    content = header + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture(scope="session")  # as Hypothesis wants it
def write_idx() -> Callable[[Path, np.ndarray], None]:
    return _write_idx


@pytest.fixture
def write_mnist() -> Callable[..., np.ndarray]:
    """Writes the two files of a part, ten classes of ten images, and returns the images."""

    def write(folder: Path, part: str = "train", suffix: str = "", seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 256, (100, 28, 28), dtype=np.uint8)
        labels = np.repeat(np.arange(10, dtype=np.uint8), 10)
        prefix = {"train": "train", "test": "t10k"}[part]
        _write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", images)
        _write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", labels)
        return images

    return write


@pytest.fixture
def write_imagefolder() -> Callable[..., Path]:
    """Writes `part/CLASS/N.png`, each image of one colour: red tells the class, green the file."""

    def write(
        root: Path,
        part: str = "train",
        classes: tuple[str, ...] = ("cat", "dog"),
        count: int = 10,
        size: tuple[int, int] = (6, 4),
    ) -> Path:
        for label, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for index in range(count):
                colour = (100 * label, index, 7)
                Image.new("RGB", size, colour).save(folder / f"{index:03}.png")
        return root

    return write


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def _serve(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_QuietHandler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    """Serves a folder on 127.0.0.1 within the context, and gives its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return _serve
