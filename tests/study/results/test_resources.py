"""Amounts and labels of nodes, as they are typed."""

import pytest

from study.results.resources import read_amounts, read_labels


@pytest.mark.parametrize(
    "typed",
    [
        "zone=a",
        "ray.io/market-type=on-demand,zone=eu-1",
        "rack=7",
        "a=b.c_d-e",
        "Example.com/zone=a",
    ],
)
def test_labels_are_taken_as_ray_takes_them(typed: str) -> None:
    assert read_labels(typed) == typed


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "'' must be NAME=VALUE"),  # a variable that is not set is no wish for any node
        (",", "must be NAME=VALUE"),
        ("zone=a,", "must be NAME=VALUE"),
        ("zone", "'zone' must be NAME=VALUE"),
        ("zone=a,zone=b", "has zone twice"),
        ("zone=!spot", "'zone=!spot' must be NAME=VALUE of letters"),
        ("zone=in(a,b)", "must be NAME=VALUE of letters"),
        ("zone=us_", "must be NAME=VALUE of letters"),
        ("zo ne=a", "must be NAME=VALUE of letters"),
    ],
)
def test_other_labels_are_refused(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        read_labels(typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "must be NAME=VALUE"), ("spot", "NAME=X with X above 0"), ("a=1,a=2", "has a twice")],
)
def test_other_amounts_are_refused(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_amounts(typed)
