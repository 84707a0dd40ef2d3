"""The machine, and the lines that benchmarks print about it and about their progress."""

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def print_footer(versions: Mapping[str, str], machine: str = "") -> None:
    """Print the command, library versions, the machine and the time.

    Args:
        versions: Version of each library.
        machine: Name of what was measured; by default the processor and its cores.
    """
    script = Path(sys.argv[0])
    folder = "benchmarks/gpu" if script.parent.name == "gpu" else "benchmarks"
    print(f"\nCommand: {folder}/{script.name} {' '.join(sys.argv[1:])}".rstrip())
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    machine = machine or f"{processor()}, {os.cpu_count()} cores"
    print(f"{machine}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")


def say(text: str) -> None:
    """Print progress on standard error."""
    print(text, file=sys.stderr, flush=True)
