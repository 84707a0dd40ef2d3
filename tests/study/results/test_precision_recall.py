"""Curves are read as they were written, and what others may have changed is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.precision_recall import (
    MOST_BYTES,
    MOST_POINTS,
    PrecisionRecall,
    decode_precision_recall,
    encode_precision_recall,
)

shares = st.floats(0, 1)


@st.composite
def curves(draw: st.DrawFn) -> PrecisionRecall:
    points = draw(st.lists(st.tuples(shares, shares), max_size=5))
    return PrecisionRecall(
        name=draw(st.text(max_size=5)),
        objects=draw(st.integers(0, 9)),
        ap_50=draw(st.none() | shares),
        ap_50_area=draw(st.none() | shares),
        recall=tuple(point[0] for point in points),
        precision=tuple(point[1] for point in points),
    )


@given(st.lists(curves(), max_size=3).map(tuple))
def test_they_are_read_as_they_were_written(written: tuple[PrecisionRecall, ...]) -> None:
    assert decode_precision_recall(encode_precision_recall(written)) == written


WHOLE = {"name": "a", "objects": 1, "ap_50": 1, "ap_50_area": 1, "recall": [1], "precision": [1]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b"7",
        b"\xff",
        b"[" * 100_000,
        b" " * (MOST_BYTES + 1),
        json.dumps([{**WHOLE, "recall": [0.1, 0.2]}]).encode(),
        json.dumps([{**WHOLE, "recall": [0.0] * (MOST_POINTS + 1)}]).encode(),
        json.dumps([{**WHOLE, "recall": "ab"}]).encode(),
        json.dumps([{**WHOLE, "recall": [None], "precision": [None]}]).encode(),
        json.dumps([{**WHOLE, "ap_50": "high"}]).encode(),
        json.dumps([{**WHOLE, "ap_50": float("nan")}]).encode(),
        json.dumps([{"name": "a"}]).encode(),
    ],
)
def test_what_holds_no_curves_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # of many kinds, each in a sentence
        decode_precision_recall(content)
