"""Place of a data set's shards, as the file `shards.toml` of its folder tells."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pnn_core.config.checks import nearest
from pnn_core.data.dataset import DatasetError, Part

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

PLACE_FILE = "shards.toml"
"""File in the data folder that names the place."""

_PLACE, _CACHE = "place", "cache_gb"
_ADVICE = 'write a line such as place = "s3://BUCKET/PATH", and cache_gb = 200 to bound the copies'
_SUFFIX = ".parquet"


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A file of images and labels.

    Attributes:
        name: Name of the file in its place.
        size: Size in bytes.
        version: Size and time of the last change, as text: another version has other images.
    """

    name: str
    size: int
    version: str


@dataclass(frozen=True, kw_only=True)
class ShardPlace:
    """Folder or URL that holds `train*.parquet` and `test*.parquet`.

    Attributes:
        url: A folder, or any URL that Arrow's file systems know: `s3://`, `gs://`, `hdfs://`.
        cache_bytes: Largest size of the copies on each machine; None for what leaves a tenth of its
            disk free.
    """

    url: str
    cache_bytes: int | None

    @classmethod
    def read(cls, data_dir: Path) -> "ShardPlace":
        """Read `shards.toml`.

        Args:
            data_dir: Folder that holds it.

        Raises:
            DatasetError: It is missing or is not as it must be.
        """
        path = data_dir / PLACE_FILE
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DatasetError(f"{path} cannot be read ({reason}): {_ADVICE}") from error
        for key in told:
            if key not in (_PLACE, _CACHE):
                hint = nearest(key, (_PLACE, _CACHE))
                raise DatasetError(f"{path} has {key!r}: did you mean {hint}?")
        url, size = told.get(_PLACE), told.get(_CACHE)
        if not isinstance(url, str) or not url:
            raise DatasetError(f"{path} names no place: {_ADVICE}")
        is_number = isinstance(size, int | float) and not isinstance(size, bool)
        if size is not None and not (is_number and size > 0):
            raise DatasetError(f"{path} has {_CACHE} = {size!r}: accepted is a number above 0")
        # A relative folder stands beside the file; Ray's processes stand in other folders.
        where = url if "://" in url else str((data_dir / url).absolute())
        return cls(url=where, cache_bytes=None if size is None else int(size * 1e9))

    @property
    def shown(self) -> str:
        """The place without what may be secret: a user, a password, options."""
        head, separator, rest = self.url.partition("://")
        if not separator:
            return self.url
        return f"{head}://{rest.rpartition('@')[2].partition('?')[0]}"

    def open(self) -> "tuple[FileSystem, str]":
        """Return the file system and the path in it.

        Raises:
            DatasetError: No file system knows the URL.
        """
        from pyarrow import ArrowException
        from pyarrow.fs import FileSystem, LocalFileSystem

        if "://" not in self.url:
            return LocalFileSystem(), self.url
        try:
            files, root = FileSystem.from_uri(self.url)
        except (OSError, ValueError, ArrowException) as error:
            raise DatasetError(
                f"{self.shown} is no place of shards: accepted are a folder and URLs such as "
                "s3://BUCKET/PATH and gs://BUCKET/PATH"
            ) from error
        return files, root

    def shards(self, part: Part) -> tuple[Shard, ...]:
        """List the shards of a part, by name.

        Raises:
            DatasetError: The place does not answer or holds none.
        """
        found = self._listed()
        shards = tuple(s for s in found if s.name.startswith(part) and s.name.endswith(_SUFFIX))
        if not shards:
            others = f": it holds {', '.join(s.name for s in found[:3])}" if found else ""
            raise DatasetError(f"{self.shown} holds no {part}*{_SUFFIX}{others}")
        return shards

    def require_unchanged(self, shard: Shard) -> None:
        """Check that a shard is the one that was listed.

        Raises:
            DatasetError: It was replaced or taken away.
        """
        files, root = self.open()
        with self._answering(shard.name):
            (info,) = files.get_file_info([f"{root}/{shard.name}"])
        if _shard(info) != shard:
            raise DatasetError(
                f"{self.shown}/{shard.name} was replaced or taken away since the study began: its "
                "images would be others"
            )

    def _listed(self) -> list[Shard]:
        from pyarrow.fs import FileSelector, FileType

        files, root = self.open()
        with self._answering(""):
            infos = files.get_file_info(FileSelector(root))
        found = [i for i in infos if i.type is FileType.File and not i.base_name.startswith(".")]
        return sorted(map(_shard, found), key=lambda shard: shard.name)

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = " ".join(str(error).split())
            where = f"{self.shown}/{name}".rstrip("/")
            raise DatasetError(f"{where} cannot be looked at: {reason}") from error


def _shard(info: "FileInfo") -> Shard:
    changed = info.mtime_ns or 0
    return Shard(
        name=info.base_name,
        size=info.size or 0,
        version=f"{info.size}-{changed}",
    )
