"""Compilation of the fused CPU operators for a machine: `python -m pnn_core.fused.compile`.

Torch is not imported, so that a driver, which trains nothing, finds what is built without its two
seconds.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).with_name("cpu")

_MARK = b"\nsha256 "
"""Beginning of what follows a library in its file, which a loader ignores: the library's digest."""

# `native`, so that loops use the processor's widest vectors; no trap and no errno, or comparisons
# could not be vectorised.
_FLAGS = (
    "-O3",
    "-march=native",
    "-std=c++20",
    "-fno-trapping-math",
    "-fno-math-errno",
    "-fopenmp",
    "-DAT_PARALLEL_OPENMP=1",
    "-fPIC",
    "-shared",
)


def cache_folder() -> Path:
    """Return the folder of what is compiled: below `XDG_CACHE_HOME`, by default `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pnn-study"


def library_path() -> Path:
    """Return the path of the library for what it is made from, whether built or not.

    That is the source, torch, and what machines that share a home folder may differ in: processor
    and C library.
    """
    key = hashlib.sha256()
    sources = [file.read_text(encoding="utf-8") for file in sorted(SOURCES.iterdir())]
    for part in (*sources, _torch_version(), *_FLAGS, _processor(), *platform.libc_ver()):
        key.update(part.encode())
    return cache_folder() / f"operators-{key.hexdigest()[:16]}.so"


def is_built() -> bool:
    """Return True if the operators of this machine are there and whole.

    Whether they can be loaded is seen by the process that trains: that needs torch.
    """
    try:
        return is_whole(library_path())
    # There is no such file or no home folder, or it is another's; or nobody knows torch's version.
    except (OSError, RuntimeError, ImportError):
        return False


def is_whole(library: Path) -> bool:
    """Return True if a library is to the last bit what the compiler made.

    Args:
        library: File that is there; of an earlier version, it is not known to be whole.

    Raises:
        OSError: It cannot be read.
    """
    made, mark, digest = library.read_bytes().rpartition(_MARK)
    return bool(mark) and hashlib.sha256(made).hexdigest().encode() == digest


def build(*, anew: bool = False) -> Path:
    """Compile the operators, unless they are built already and whole.

    Args:
        anew: True to compile them whatever is there.

    Raises:
        FileNotFoundError: There is no C++ compiler.
        OSError: The cache folder cannot be written.
        RuntimeError: The compiler fails, with its message; or there is no home folder.
    """
    library = library_path()
    if library.is_file() and not anew and is_whole(library):
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        _compile(made)
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        with made.open("ab") as file:
            file.write(_MARK + digest.encode())
        made.replace(library)  # atomic, so that no process loads half of it
    return library


def _compile(made: Path) -> None:
    """Compile the operators into a file; see `build` for what it raises."""
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if compiler is None:
        raise FileNotFoundError("no C++ compiler: accepted are g++, or the one that CXX names")
    torch_folder = _torch_folder()
    command = [
        compiler,
        *_FLAGS,
        f"-I{torch_folder / 'include'}",
        f"-I{torch_folder / 'include/torch/csrc/api/include'}",
        str(SOURCES / "operators.cpp"),
        "-o",
        str(made),
        f"-L{torch_folder / 'lib'}",
        "-ltorch_cpu",
        "-lc10",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")


def _torch_version() -> str:
    """Return the version of the distribution; its file of that name would import torch."""
    return importlib.metadata.version("torch")


def _torch_folder() -> Path:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise RuntimeError("torch is not installed")
    return Path(spec.origin).parent


def _processor() -> str:
    """Return the processor's features."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def main() -> int:
    """Build the operators and print their path."""
    try:
        library = build()
    except (OSError, RuntimeError) as error:
        print(f"{error}\nWithout them, networks train by torch's own operators.", file=sys.stderr)
        return 1
    print(f"Fused CPU operators  {library}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
