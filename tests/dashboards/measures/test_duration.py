import pytest

from dashboards.measures.duration import describe_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (40, "40 s"), (720, "12 min"), (12_600, "3.5 h"), (172_800, "2 days")],
)
def test_durations_are_told_in_the_unit_that_people_would_use(seconds, text):
    assert describe_duration(seconds) == text
