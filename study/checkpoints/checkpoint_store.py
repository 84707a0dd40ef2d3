"""Store of checkpoints: a folder, or any file system that pyarrow knows by URL."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from study.results.whole_file import PART, write_whole

# Workers need no more of a study than this: they are spared Optuna.
if TYPE_CHECKING:
    from study.config import StudyConfig


@dataclass(frozen=True, kw_only=True)
class CheckpointStore:
    """Files that are there in whole or not at all, each replaced by its newer version.

    Travels to workers as its address; each call opens the file system anew, which costs a local
    folder microseconds.

    Attributes:
        url: Absolute folder, or a URL such as `s3://bucket/path`, that every node sees alike.
    """

    url: str = field(repr=False)  # may hold a password

    @classmethod
    def of(cls, config: "StudyConfig") -> "CheckpointStore":
        """Return a study's own folder: several studies may be given the same place."""
        own = f"{config.name}-{config.study_id[:8]}"
        place = urlsplit(config.checkpoints)
        if not place.scheme:
            return cls(url=f"{config.checkpoints.rstrip('/')}/{own}")
        # A URL's options, such as an endpoint, come after its path.
        return cls(url=urlunsplit(place._replace(path=f"{place.path.rstrip('/')}/{own}")))

    def create(self) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        files, root = FileSystem.from_uri(self.url)
        files.create_dir(root, recursive=True)
        if isinstance(files, LocalFileSystem):
            Path(root).chmod(0o700)

    def save(self, name: str, content: bytes) -> None:
        """Write a file in the place of its earlier version, of which nothing is lost before.

        Raises:
            OSError: It cannot be written; the earlier version is still there.
        """
        files, root = FileSystem.from_uri(self.url)
        if isinstance(files, LocalFileSystem):
            try:
                write_whole(Path(root, name), content, private=True)
            except OSError as error:
                raise OSError(f"{self.url}: {error}") from error
            return
        temporary = f"{name}.{uuid.uuid4().hex}{PART}"
        path = f"{root}/{temporary}"
        try:
            with files.open_output_stream(path) as stream:
                stream.write(content)
            files.move(path, f"{root}/{name}")
        except OSError as error:
            if files.get_file_info(path).type is FileType.File:
                files.delete_file(path)
            # The temporary name would make it another error each time.
            cause = str(error).replace(temporary, name)
            raise OSError(f"{self.url}: {cause}") from error

    def load(self, name: str) -> bytes | None:
        """Return a file's content; None where there is none.

        Raises:
            OSError: It cannot be read.
        """
        files, root = FileSystem.from_uri(self.url)
        try:
            with files.open_input_stream(f"{root}/{name}") as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Remove the folder and what is in it.

        Raises:
            OSError: It cannot be removed.
        """
        files, root = FileSystem.from_uri(self.url)
        files.delete_dir(root)

    def names(self) -> list[str]:
        """Return the names of all files, those among them that a killed writer left half-written.

        Raises:
            OSError: The folder cannot be read.
        """
        files, root = FileSystem.from_uri(self.url)
        return sorted(info.base_name for info in files.get_file_info(FileSelector(root)))

    def delete(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            OSError: It cannot be removed.
        """
        files, root = FileSystem.from_uri(self.url)
        if files.get_file_info(f"{root}/{name}").type is FileType.File:
            files.delete_file(f"{root}/{name}")
