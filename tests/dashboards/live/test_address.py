import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.live.address import Address
from dashboards.view_options import Span, ViewOptions
from dashboards.views import VIEWS

names = st.text(min_size=1).filter(lambda name: max(name) < "\ud800" or min(name) > "\udfff")
addresses = st.builds(
    Address,
    studies=st.lists(names, max_size=3, unique=True).map(tuple),
    view=st.sampled_from([*VIEWS]),
    trial=st.none() | st.integers(0, 10**6),
    options=st.builds(
        ViewOptions,
        x=st.sampled_from(["", "macs", "a&b=c"]),
        within=st.sampled_from([(), (Span(name="val_accuracy", low=0.25, high=0.5),)]),
    ),
)


@given(addresses)
def test_an_address_comes_back_from_its_text(address):
    assert Address.parse(str(address)) == address


def test_the_first_page_has_a_bare_address():
    assert str(Address()) == "?"
    assert Address.parse("") == Address.parse("?") == Address()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?view=frnt", "no view 'frnt': there are front, trials, progress"),
        ("?trial=-1", "trial .*'-1'.* must be a number"),
        ("?trial=²", "must be a number"),
        ("?over=moons", "over .*'moons'.* must be one of trials, seconds"),
    ],
)
def test_an_address_that_means_nothing_is_explained(query, message):
    with pytest.raises(ValueError, match=message):
        Address.parse(query)
