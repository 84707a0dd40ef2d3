"""The harness lies beside its tests, which import it by its plain names."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def _end_cleanly() -> Iterator[None]:
    """Have a session that is told to end take its hosts, servers and mounts along."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what the rounds of faults came to."""
    from fault_table import REPORTS, fault_table

    reports = terminalreporter.config.stash.get(REPORTS, [])
    if reports:
        terminalreporter.section("faults")
        terminalreporter.write_line(fault_table(reports))
