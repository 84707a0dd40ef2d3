"""Weights that a study has kept: which, where, and how much."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from study.results.plural import counted
from study.results.run_record import RunKey


@dataclass(frozen=True, kw_only=True)
class KeptWeights:
    """Files of weights in a study's folder.

    Attributes:
        folder: Folder of the files.
        files: Files that are there, by run.
        sizes: Bytes of each run's files.
        lacking: Runs whose weights should be there and are not, such as those that an earlier
            version has trained.
    """

    folder: Path
    files: Mapping[RunKey, tuple[Path, ...]]
    sizes: Mapping[RunKey, int] = field(default_factory=dict)
    lacking: tuple[RunKey, ...] = ()

    @property
    def trials(self) -> int:
        """Number of trials of the front."""
        return sum(not key.is_confirmation for key in self.files)

    @property
    def confirmed(self) -> int:
        """Number of confirmed runs."""
        return sum(key.is_confirmation for key in self.files)

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes.values())

    def describe(self) -> str:
        """Describe in one line what is kept, where, and how large it is."""
        runs = f" and {counted(self.confirmed, 'confirmed run')}" if self.confirmed else ""
        said = f"{counted(self.trials, 'trial')} of the front{runs}, {_size(self.total_bytes)}"
        if self.lacking:
            said += f"; {counted(len(self.lacking), 'run')} without: --rerun trains a trial again"
        return f"{self.folder} ({said})"

    def as_json(self) -> dict[str, str | int]:
        """Return the same for programs."""
        return {
            "folder": str(self.folder),
            "trials": self.trials,
            "confirmed": self.confirmed,
            "lacking": len(self.lacking),
            "bytes": self.total_bytes,
        }


def _size(count: int) -> str:
    """Write a number of bytes in decimal units, as file managers do."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
