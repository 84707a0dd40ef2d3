"""Copies of shards on a machine, in which any image is found at once."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pnn_core.data.dataset import DatasetError
from pnn_core.data.shard_place import Shard, ShardPlace
from pnn_core.data.shard_table import image_batches, opened_shard

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 64
"""Number of images of a batch of a copy: an image is found by the place of its batch."""

_FREE_SHARE = 0.1
"""Share of a disk that copies leave free where no bound was set."""

_SUFFIX = ".arrow"


@dataclass(frozen=True, kw_only=True)
class ShardCache:
    """Images of some shards, each shard copied to this machine when its first image is read.

    A copy is an Arrow file, which is mapped into memory and not read into it. All processes of a
    machine share the copies; a lock has each made once.

    Attributes:
        place: Where the shards lie.
        folder: Folder of the copies, made where it is missing.
        shards: Shards, in the order of the images.
    """

    place: ShardPlace
    folder: Path
    shards: tuple[Shard, ...]

    def read(self, shard: int, row: int) -> bytes:
        """Return an encoded image.

        Args:
            shard: Place of its shard among `shards`.
            row: Its row there, from 0.

        Raises:
            DatasetError: The shard cannot be had, was replaced, or there is no room for its copy.
        """
        batch = _mapped(self._copy(self.shards[shard])).get_batch(row // ROWS)
        encoded: bytes = batch.column(0)[row % ROWS].as_py()
        return encoded

    def describe(self, shard: int, row: int) -> str:
        """Return words for an image: its shard and its row, counted from 1."""
        return f"row {row + 1} of {self.place.shown}/{self.shards[shard].name}"

    def require_bound(self, other: Iterable[Shard]) -> None:
        """Check that the copies of all shards may lie on a machine: every epoch reads all of them.

        Args:
            other: Shards that will lie beside these.

        Raises:
            DatasetError: They are larger than the bound.
        """
        size, bound = sum(shard.size for shard in (*self.shards, *other)), self.place.cache_bytes
        if bound is not None and size > bound:
            raise DatasetError(
                f"{self.place.shown} holds {_gb(size)} of shards, and cache_gb is {bound / 1e9:g}: "
                "raise it, as every epoch reads all of them"
            )

    def _copy(self, shard: Shard) -> Path:
        path = self.folder / f"{Path(shard.name).stem}-{shard.version}{_SUFFIX}"
        if not path.exists():
            self._make(shard, path)
        return path

    def _make(self, shard: Shard, path: Path) -> None:
        from filelock import FileLock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock"), fallback_to_soft=False):
                if not path.exists():
                    self._fetch(shard, path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DatasetError(f"{self.folder} cannot hold copies of shards: {reason}") from error

    def _fetch(self, shard: Shard, path: Path) -> None:
        import pyarrow as pa

        self.place.require_unchanged(shard)
        room = self._room()
        part = path.with_suffix(".part")
        schema = pa.schema([("image", pa.large_binary())])
        try:
            with (
                opened_shard(self.place, shard) as file,
                pa.OSFile(str(part), "wb") as sink,
                pa.ipc.new_file(sink, schema) as writer,
            ):
                for images in _rebatched(image_batches(self.place, shard, file, ROWS)):
                    room -= images.nbytes
                    if room < 0:
                        raise DatasetError(self._no_room(shard))
                    writer.write_batch(pa.record_batch([images], schema=schema))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _room(self) -> float:
        """Return how many bytes copies may still take on this machine."""
        disk = shutil.disk_usage(self.folder)
        left = disk.free - _FREE_SHARE * disk.total
        if self.place.cache_bytes is not None:
            held = sum(path.stat().st_size for path in self.folder.glob(f"*{_SUFFIX}"))
            left = min(disk.free, self.place.cache_bytes - held)
        return left

    def _no_room(self, shard: Shard) -> str:
        bound = self.place.cache_bytes
        allowed = (
            "of which a tenth stays free" if bound is None else f"and cache_gb is {bound / 1e9:g}"
        )
        disk = shutil.disk_usage(self.folder)
        return (
            f"{self.folder} has no room for a copy of {shard.name} ({_gb(shard.size)}): "
            f"{_gb(disk.free)} of {_gb(disk.total)} are free, {allowed}; remove copies that no "
            "study uses any more"
        )


@lru_cache(maxsize=4096)
def _mapped(path: Path) -> "pa.ipc.RecordBatchFileReader":
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path)))


def _rebatched(arrays: "Iterable[pa.Array]") -> "Iterator[pa.Array]":
    """Yield arrays of `ROWS` images, the last one of the rest."""
    import pyarrow as pa

    held = pa.array([], pa.large_binary())
    for array in arrays:
        held = pa.concat_arrays([held, array])
        while len(held) >= ROWS:
            yield held[:ROWS]
            held = held[ROWS:]
    if len(held):
        yield held


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
