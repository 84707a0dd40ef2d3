"""Origin of results: library versions, the commit of the checkout, the processor."""

import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

_LIBRARIES = ("pnn-study", "torch", "ray", "optuna", "mlflow")
_GIT_TIMEOUT_SECONDS = 10
_CPUINFO = Path("/proc/cpuinfo")


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide a result, without importing them.

    A library that is not installed is left out.
    """
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions


def processor_name() -> str:
    """This machine's processor, in words."""
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def git_commit(source: Path = Path(__file__)) -> str:
    """Commit of the checkout that holds a source file.

    Args:
        source: A file of the code that runs.

    Returns:
        The full hash, with `-dirty` appended when tracked files differ from it; empty when the
        file is not tracked by git (an installed package may lie inside somebody else's checkout)
        or git is absent.
    """
    source = source.resolve()
    if not _git(source.parent, "ls-files", "--", source.name):
        return ""
    commit = _git(source.parent, "rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return ""
    # Untracked files do not count: a study writes its own into the folder it runs in.
    changed = _git(source.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [git, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
