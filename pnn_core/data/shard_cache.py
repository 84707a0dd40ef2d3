"""Copies of shards on a machine, in which any image is found at once."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pnn_core.data.dataset import DatasetError
from pnn_core.data.shard_place import Shard, ShardPlace
from pnn_core.data.shard_table import encoded_images, opened_shard

if TYPE_CHECKING:
    import pyarrow as pa

_FREE_SHARE = 0.1
"""Share of a disk that copies leave free where no bound was set."""

_MAPPED = 512
"""Number of copies that a process has open: each takes a descriptor, of which it may have 1,024."""

_SUFFIX, _PART = ".arrow", ".part"


@dataclass(frozen=True, kw_only=True)
class ShardCache:
    """Images of some shards, each shard copied to this machine when its first image is read.

    A copy is an Arrow file with a batch for each image, so that the system reads no more than that
    image when it is asked for. It is mapped into memory. All processes of a machine share the
    copies; a lock has one process at a time copy.

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
        from pyarrow import ArrowException

        path = self._path(self.shards[shard])
        try:
            return self._read(path, shard, row)
        except (OSError, ArrowException):
            # Deleted since, or damaged by the machine's end: it is copied once more.
            path.unlink(missing_ok=True)
            _mapped.cache_clear()
        try:
            return self._read(path, shard, row)
        except (OSError, ArrowException) as error:
            raise DatasetError(f"{path} cannot be read: {' '.join(str(error).split())}") from error

    def describe(self, shard: int, row: int) -> str:
        """Return words for an image: its shard and its row, counted from 1."""
        return f"row {row + 1} of {self.place.shown}/{self.shards[shard].name}"

    def require_bound(self, others: Iterable[Shard]) -> None:
        """Check that the copies of all shards may lie on a machine: every epoch reads all of them.

        Args:
            others: Shards that will lie beside these.

        Raises:
            DatasetError: They are larger than the bound.
        """
        size, bound = sum(shard.size for shard in (*self.shards, *others)), self.place.cache_bytes
        if bound is not None and size > bound:
            raise DatasetError(
                f"{self.place.shown} holds {_gb(size)} of shards, and cache_gb is {bound / 1e9:g}: "
                "raise it, as every epoch reads all of them"
            )

    def _read(self, path: Path, shard: int, row: int) -> bytes:
        if not path.exists():
            self._copy(self.shards[shard], path)
        encoded: bytes = _mapped(path).get_batch(row).column(0)[0].as_py()
        return encoded

    def _path(self, shard: Shard) -> Path:
        return self.folder / f"{Path(shard.name).stem}-{shard.version}{_SUFFIX}"

    def _copy(self, shard: Shard, path: Path) -> None:
        from filelock import FileLock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # One at a time, or several would take the same room.
            with FileLock(self.folder / "lock", fallback_to_soft=False):
                for left in self.folder.glob(f"*{_PART}"):  # by a process that was killed
                    left.unlink()
                if not path.exists():
                    self._fetch(shard, path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DatasetError(f"{self.folder} cannot hold copies of shards: {reason}") from error

    def _fetch(self, shard: Shard, path: Path) -> None:
        import pyarrow as pa

        self.place.require_unchanged(shard)
        room = self._room()
        part = path.with_suffix(_PART)
        schema = pa.schema([("image", pa.large_binary())])
        try:
            with part.open("wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                with opened_shard(self.place, shard) as file:
                    for image in encoded_images(self.place, shard, file):
                        room -= image.nbytes
                        if room < 0:
                            raise DatasetError(self._no_room(shard))
                        _write(writer, pa.record_batch([image], schema=schema), self.folder)
                writer.close()
                sink.flush()
                os.fsync(sink.fileno())  # or a copy of that name could be empty after a crash
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _room(self) -> float:
        """Return how many bytes copies may still take on this machine."""
        disk = shutil.disk_usage(self.folder)
        if self.place.cache_bytes is None:
            return disk.free - _FREE_SHARE * disk.total
        held = sum(path.stat().st_size for path in self.folder.glob(f"*{_SUFFIX}"))
        return min(disk.free, self.place.cache_bytes - held)

    def _no_room(self, shard: Shard) -> str:
        bound = self.place.cache_bytes
        allowed = (
            "of which a tenth of the disk stays free"
            if bound is None
            else f"and cache_gb is {bound / 1e9:g}"
        )
        disk = shutil.disk_usage(self.folder)
        return (
            f"{self.folder} has no room for a copy of {shard.name} ({_gb(shard.size)}): "
            f"{_gb(disk.free)} of {_gb(disk.total)} are free, {allowed}; remove copies that no "
            "study uses any more"
        )


@lru_cache(maxsize=_MAPPED)
def _mapped(path: Path) -> "pa.ipc.RecordBatchFileReader":
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path)))


def _write(writer: "pa.ipc.RecordBatchFileWriter", batch: "pa.RecordBatch", folder: Path) -> None:
    """Write a batch; its own failure must not look like one of the shard that is read."""
    try:
        writer.write_batch(batch)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(f"{folder} cannot hold copies of shards: {reason}") from error


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
