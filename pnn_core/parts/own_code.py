"""Code of one's own: a Python file, or an entry point of an installed package.

Data sets, networks, layers, objectives and samplers of one's own are found, recorded, sent to
workers and found again in the same way: a file goes with the study, an entry point is a package
that every machine has installed. A file of weights to begin with goes the same way, and is never
run.
"""

import hashlib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pnn_core.parts.network_libraries import library_of, library_version

_USUAL_FUNCTION = {"network": "network", "sampler": "sampler"}
"""Names of the functions that a file defines where none is named, by kind."""

_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<function>\w+))?")


class Kind(StrEnum):
    """Kinds of code of one's own."""

    DATASET = "dataset"
    NETWORK = "network"
    LAYER = "layer"
    OBJECTIVE = "objective"
    SAMPLER = "sampler"
    WEIGHTS = "weights"

    @property
    def group(self) -> str:
        """Group of entry points under which packages offer this kind; none offers weights."""
        return f"pnn_study.{self.value}s"


@dataclass(frozen=True, kw_only=True)
class OwnCode:
    """Code of one's own, as a study is started with it.

    Attributes:
        kind: Kind of what it defines.
        name: Name in records: that of the file, with the function where one was named; of a layer
            the file's without `.py`; of an objective the function's; of an entry point its own; of
            a library's network `torchvision:NAME` or `timm:NAME`.
        function: Name of the function in the file, where one was named.
        path: Absolute path of the file; empty for an entry point.
        source: Text of the file, in bytes; empty for an entry point.
        digest: SHA-256 of the text; of an entry point, or a library, its package and version.
        images: Digest of the images that a data set gave to learn from; empty before they were
            read, and for other kinds.
    """

    kind: Kind
    name: str
    function: str = ""
    path: str = ""
    source: bytes = field(default=b"", repr=False)
    digest: str = ""
    images: str = ""

    @property
    def file_name(self) -> str:
        """Name of the file; empty for an entry point."""
        return Path(self.path).name if self.path else ""

    @property
    def is_library_network(self) -> bool:
        """True for a network of torchvision or timm, which no file or entry point defines."""
        return self.kind is Kind.NETWORK and not self.path and bool(library_of(self.name))

    @property
    def typed(self) -> str:
        """Text that names it on the command line, from the current folder."""
        if not self.path:
            return self.name
        path = Path(self.path)
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return f"{shown}:{self.function}" if self.function else str(shown)

    @property
    def recorded(self) -> dict[str, str]:
        """Fields but for the text, as a file of settings or a tag holds them."""
        return {f.name: str(getattr(self, f.name)) for f in fields(self) if f.name != "source"}

    @classmethod
    def of_record(cls, record: object) -> "OwnCode":
        """Read what `recorded` gave, without the text.

        Raises:
            ValueError: It is malformed.
        """
        names = [f.name for f in fields(cls) if f.name != "source"]
        if not isinstance(record, dict) or [*record] != names:
            raise ValueError(f"code of one's own (={record!r:.80}) must say {', '.join(names)}")
        kind = Kind(record["kind"])
        return cls(kind=kind, **{n: str(v) for n, v in record.items() if n != "kind"})  # type: ignore[arg-type]  # all but these two are texts

    def with_text_from(self, places: Iterable[Path]) -> "OwnCode":
        """Return the code with its text, from the first of several files that holds it.

        Raises:
            ValueError: None does, so that something else would run.
        """
        if not self.path:
            return self
        for place in (tried := [*places]):
            if place.is_file() and _digest(source := place.read_bytes()) == self.digest:
                path = self.path if Path(self.path).is_absolute() else str(place.absolute())
                return replace(self, source=source, path=path)
        raise ValueError(
            f"{self.file_name} is not to be found as it was (SHA-256 {self.digest[:12]}…) in "
            f"{' or '.join(map(str, tried))}: bring it back"
        )

    def require_library(self) -> None:
        """Check that the library of a network is here, in the version that was recorded.

        Raises:
            ValueError: It is not.
        """
        here = library_version(library_of(self.name))
        if here != self.digest:
            raise ValueError(
                f"{self.kind} {self.name!r} comes from {here} here, and the study was started with "
                f"{self.digest}"
            )

    def load(self) -> Any:  # noqa: ANN401  # whatever somebody wrote
        """Return the file's module or the function in it; what an entry point names.

        A file is run once in a process.

        Raises:
            ValueError: The file raises or lacks the function, or the package is missing here or of
                another version; says so in one sentence.
        """
        if not self.path:
            return _load_entry_point(self)
        key = f"pnn_study_own.{Path(self.path).stem}_{self.digest[:12]}"
        if key not in sys.modules:
            sys.modules[key] = run_source(key, self.source, self.path)
        module = sys.modules[key]
        function = self.function or _USUAL_FUNCTION.get(self.kind)
        if function is None:
            return module
        if not callable(getattr(module, function, None)):
            own = (n for n, v in vars(module).items() if getattr(v, "__module__", "") == key)
            raise ValueError(
                f"{self.file_name} defines no function {function}; it defines "
                f"{', '.join(own) or 'none'}"
            )
        return getattr(module, function)


def find_code(kind: Kind, text: str) -> OwnCode | None:
    """Find the code of one's own that a text names; None where it names none.

    Args:
        kind: Kind that is wanted.
        text: Path of a `.py` file, with `:FUNCTION` where the kind has one, or the name of an entry
            point, or of a library's network.

    Raises:
        ValueError: There is no file of that name, or a library is not installed.
        OSError: It cannot be read.
    """
    if kind is Kind.NETWORK and (library := library_of(text)):
        return OwnCode(kind=kind, name=text, digest=library_version(library))
    match = _FILE.fullmatch(text)
    if match is None:
        entry = _entry_point(kind, text)
        return None if entry is None else OwnCode(kind=kind, name=text, digest=_version(entry))
    path, function = Path(match["path"]).absolute(), match["function"] or ""
    if not path.is_file():
        raise ValueError(f"there is no file {match['path']}")
    source = path.read_bytes()
    return OwnCode(
        kind=kind,
        name=recorded_name(kind, text),
        function=function,
        path=str(path),
        source=source,
        digest=_digest(source),
    )


def recorded_name(kind: Kind, text: str) -> str:
    """Return the name that records have for code of one's own; other names as they are."""
    match = _FILE.fullmatch(text)
    if match is None:
        return text
    path, function = Path(match["path"]), match["function"]
    if kind is Kind.LAYER:
        return path.stem
    if kind is Kind.OBJECTIVE:
        return function or path.stem
    return f"{path.name}:{function}" if function else path.name


def run_source(name: str, source: bytes, path: str) -> ModuleType:
    """Run a Python file's text and return it as a module, which is known by its name meanwhile.

    Args:
        name: Name of the module.
        source: Text of the file.
        path: Path that `__file__` and tracebacks have.

    Raises:
        ValueError: It raised something, which is the cause.
    """
    module = ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module  # dataclasses whose annotations are strings look there
    try:
        exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102  # what the user named
    except Exception as error:
        raise ValueError(f"the file raised {describe(error)}") from error
    finally:
        del sys.modules[name]
    return module


def describe(error: BaseException) -> str:
    """Describe an exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()


def _entry_point(kind: Kind, name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=kind.group, name=name)), None)


def _version(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"


def _load_entry_point(code: OwnCode) -> Any:  # noqa: ANN401  # whatever somebody wrote
    entry = _entry_point(code.kind, code.name)
    if entry is None:
        raise ValueError(
            f"{code.kind} {code.name!r} is an entry point of {code.digest}, which is not installed "
            "on this machine"
        )
    if _version(entry) != code.digest:
        raise ValueError(
            f"{code.kind} {code.name!r} comes from {_version(entry)} here, and the study was "
            f"started with {code.digest}"
        )
    try:
        return entry.load()
    except Exception as error:
        raise ValueError(f"{code.digest} raised {describe(error)} when loaded") from error
