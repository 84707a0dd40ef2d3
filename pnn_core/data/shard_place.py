"""Place of a data set's shards, as the file `shards.toml` of its folder tells."""

import math
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pnn_core.config.checks import nearest
from pnn_core.data.dataset import DatasetError, Part

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

PLACE_FILE = "shards.toml"
"""File in the data folder that names the place."""

_PLACE, _TEST, _CACHE = "place", "test", "cache_gb"
_ADVICE = 'write a line such as place = "s3://BUCKET/PATH", and cache_gb = 200 to bound the copies'
_SUFFIX = ".parquet"

_LARGEST_GB = 1e9
"""Bound of the bound: a billion gigabytes."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """File of images and labels.

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
    """Folder or URL that holds the shards.

    Attributes:
        url: A folder, or any URL that Arrow's file systems know: `s3://`, `gs://`, `hdfs://`. It
            may hold a password: show `shown`.
        test: Beginning of the names of the shards that test; those that train begin with `train`.
        cache_bytes: Largest size of the copies on each machine; None for what leaves a tenth of its
            disk free.
    """

    url: str = field(repr=False)
    test: str = "test"
    cache_bytes: int | None = None

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
        keys = (_PLACE, _TEST, _CACHE)
        for key in told:
            if key not in keys:
                raise DatasetError(f"{path} has {key!r}: did you mean {nearest(key, keys)}?")
        url = _text(path, told, _PLACE, None)
        # A relative folder stands beside the file; Ray's processes stand in other folders.
        return cls(
            url=url if "://" in url else str((data_dir / url).absolute()),
            test=_text(path, told, _TEST, "test"),
            cache_bytes=_bytes(path, told.get(_CACHE)),
        )

    @property
    def shown(self) -> str:
        """The place without what may be secret: a user, a password, options."""
        if "://" not in self.url:
            return self.url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")

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
        prefix = self.test if part == "test" else part
        found = self._listed()
        shards = tuple(s for s in found if s.name.startswith(prefix) and s.name.endswith(_SUFFIX))
        if not shards:
            others = f": it holds {', '.join(s.name for s in found[:3])}" if found else ""
            raise DatasetError(f"{self.shown} holds no {prefix}*{_SUFFIX}{others}")
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
                f"{self.shown}/{shard.name} was replaced or taken away since it was listed: its "
                "images would be others"
            )

    def _listed(self) -> list[Shard]:
        from pyarrow.fs import FileSelector, FileType

        files, root = self.open()
        with self._answering(""):
            infos = files.get_file_info(FileSelector(root))
        found = [i for i in infos if i.type is FileType.File and not i.base_name.startswith(".")]
        for info in found:
            if not info.base_name.isprintable():
                raise DatasetError(
                    f"{self.shown} holds {info.base_name!a}: choose a printable name"
                )
        return sorted(map(_shard, found), key=lambda shard: shard.name)

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = " ".join(str(error).split())
            where = f"{self.shown}/{name}".rstrip("/")
            raise DatasetError(f"{where} cannot be looked at: {reason}") from error


def _text(path: Path, told: dict[str, object], key: str, default: str | None) -> str:
    found = told.get(key, default)
    if not isinstance(found, str) or not found:
        raise DatasetError(f"{path} names no {key}: {_ADVICE}")
    if not found.isprintable():
        raise DatasetError(f"{path} has {key} = {found!a}: choose a printable one")
    return found


def _bytes(path: Path, gigabytes: object) -> int | None:
    if gigabytes is None:
        return None
    is_number = isinstance(gigabytes, int | float) and not isinstance(gigabytes, bool)
    number: float = gigabytes if is_number else math.nan  # type: ignore[assignment]
    if 0 < number < _LARGEST_GB:
        return int(number * 1e9)
    raise DatasetError(f"{path} has {_CACHE} = {gigabytes!r}: accepted is a number above 0")


def _shard(info: "FileInfo") -> Shard:
    version = f"{info.size}-{info.mtime_ns or 0}"
    return Shard(name=info.base_name, size=info.size or 0, version=version)
