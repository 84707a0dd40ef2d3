import pytest

from dashboards.elements.series import series_look, shortened


def test_no_two_of_many_series_look_alike():
    assert len({(look.colour, look.dash) for look in map(series_look, range(42))}) == 42


def test_neighbours_differ_in_colour_dash_and_symbol():
    for position in range(42):
        pairs = zip(series_look(position), series_look(position + 1), strict=True)
        assert all(one != other for one, other in pairs)


def test_a_step_line_has_its_own_dash_unless_another_one_is_asked_for():
    look = series_look(1)
    own = {"shape": "hv", "color": look.colour, "dash": look.dash, "width": 2}
    assert look.steps() == own
    assert look.steps(dash="dot", width=3) == own | {"dash": "dot", "width": 3}


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("", ""),
        ("exactly_24_characters_ok", "exactly_24_characters_ok"),
        ("a_name_of_25_characters_1", "a_name_of_25…haracters_1"),
    ],
)
def test_a_long_name_keeps_its_beginning_and_its_end(name, short):
    assert shortened(name) == short
