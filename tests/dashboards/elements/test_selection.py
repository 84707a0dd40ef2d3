import pytest

from dashboards.elements.selection import selected_places


@pytest.mark.parametrize(
    ("selected", "places"), [(None, None), (set(), []), ({7}, [1, 3]), ({7, 9, 4}, [0, 1, 3])]
)
def test_selected_trials_are_told_by_the_places_of_their_points(selected, places):
    chosen = None if selected is None else frozenset(selected)
    assert selected_places([4, 7, 5, 7], chosen) == places
