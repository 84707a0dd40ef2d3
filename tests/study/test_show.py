"""Tables of `pnn-study show` and `best` on a terminal."""

import os
import shutil
import sys

import pytest

from study.results.front_table import TextTable
from study.show import _laid_out

TABLE = TextTable(header=("trial", "learnable_params"), rows=(("7", "1,622"), ("12", "934")))


@pytest.mark.parametrize("columns", [20, 80])
def test_a_terminal_gets_what_fits_it_and_a_pipe_the_whole_table(monkeypatch, columns) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
    assert _laid_out(TABLE) == str(TABLE)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert _laid_out(TABLE) == "\n".join(TABLE.fitted(columns))
    assert ("trial 7, learnable_params 1,622" in _laid_out(TABLE)) == (columns == 20)
