import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.trial_key import TrialKey

names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", fullmatch=True)


@given(names, st.integers(0, 999_999_999))
def test_a_key_is_read_as_it_is_spelt(name, number):
    key = TrialKey(study=name, number=number)
    assert TrialKey.parse(str(key)) == key
    assert f"{key}" == f"{name}:{number}"


@pytest.mark.parametrize(
    "text",
    ["", ":", "honest", "honest:", ":3", "honest:x", "honest:-1", "honest:1.5", "a:\uff11", "17"],
)
def test_anything_else_is_refused_with_what_is_accepted(text):
    with pytest.raises(ValueError) as caught:
        TrialKey.parse(text)
    message = str(caught.value)
    assert message.startswith(repr(text))
    assert "NAME:TRIAL" in message
    assert "honest:17" in message


def test_a_number_of_any_length_is_refused_without_being_read():
    with pytest.raises(ValueError):
        TrialKey.parse("honest:" + "9" * 10_000)
