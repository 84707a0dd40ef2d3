"""What many rounds came to, in a table: fault, rounds, trials lost, duplicated, stuck."""

from collections.abc import Sequence

import pytest
from fault_round import RoundReport
from faults import Fault
from invariants import Kind

REPORTS = pytest.StashKey[list[RoundReport]]()
"""Where a test session keeps the reports of its rounds until the table is printed."""


def fault_table(reports: Sequence[RoundReport]) -> str:
    """Lay out all rounds, a line for each kind of fault.

    A round counts for each fault that struck it, and so does what is wrong with it: where several
    did, the table does not tell which one was to blame.
    """
    rows = [["fault", "rounds", *Kind, "too late", "not possible here"]]
    for fault in Fault:
        met = [report for report in reports if fault in report.struck]
        kinds = [violation.kind for report in met for violation in report.violations]
        late = sum(
            fault in report.plan.faults and fault not in (*report.struck, *report.impossible)
            for report in reports
        )
        impossible = sum(fault in report.impossible for report in reports)
        counts = [len(met), *(kinds.count(kind) for kind in Kind), late, impossible]
        rows.append([fault, *map(str, counts)])
    everything = [violation.kind for report in reports for violation in report.violations]
    rows.append(
        ["all rounds", str(len(reports)), *(str(everything.count(kind)) for kind in Kind), "", ""]
    )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
