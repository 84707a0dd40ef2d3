"""Whatever a user's bytes hold can be printed, stored and sent."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.printable import printable
from study.results.run_record import RunKey, RunRecord, RunState


@given(st.binary())
def test_any_bytes_of_a_file_name_become_a_text_that_utf8_holds(name: bytes) -> None:
    spelt = printable(os.fsdecode(name))
    assert spelt.encode().decode() == spelt == printable(spelt)


@pytest.mark.parametrize("text", ["plain", "é – „×“", "two\nlines\tand a tab", "日本語 👍🏽"])
def test_what_can_be_printed_stays(text: str) -> None:
    assert printable(text) == text


def test_what_would_act_on_a_terminal_is_spelt_out() -> None:
    assert printable("\x1b[2Jgone\r\x9b1m") == r"\x1b[2Jgone\r\x9b1m"


def test_reasons_in_a_record_can_be_sent_wherever_they_come_from() -> None:
    name = os.fsdecode(b"\xff.png")
    record = RunRecord(
        key=RunKey(0), state=RunState.FAILED, parameters={}, reason=name, retried=(name, "again")
    )
    assert record.reason == r"\udcff.png"
    assert record.retried == (r"\udcff.png", "again")
