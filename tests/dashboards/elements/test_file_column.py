import pytest

from dashboards.elements.file_column import as_column


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1, None, 2], [1, None, 2]),
        ([1, 2.5], [1.0, 2.5]),
        ([True, None], [True, None]),
        ([True, 1], ["True", "1"]),
        (["a", 1, None], ["a", "1", None]),
        ([], []),
    ],
)
def test_a_column_for_files_is_of_one_type(values, column):
    found = as_column(values)
    assert found == column
    assert list(map(type, found)) == list(map(type, column))
