"""Front as data."""

import csv
import io
import itertools
from collections.abc import Iterable
from pathlib import Path

from study.results.run_record import RunRecord
from study.results.whole_file import write_whole


def write_front_csv(path: Path, front: Iterable[RunRecord]) -> None:
    """Write the front's whole configurations and final metrics, one trial a row.

    Args:
        path: Path of the file.
        front: Its trials.

    Raises:
        OSError: The file cannot be written.
    """
    rows = [{"trial": r.number, **r.parameters, **r.metrics()} for r in front]
    # All columns of all trials: a later version of the project may have added some.
    columns = list(dict.fromkeys(["trial", *itertools.chain.from_iterable(rows)]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())
