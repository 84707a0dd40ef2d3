"""A page holds a bounded number of points and rows, however many trials there are."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.graph_objects import Bar, Contour, Figure, Parcoords, Scatter

from dashboards.elements.picture import Picture
from dashboards.page.document import picture_html
from dashboards.page.study_page import MOST_ROWS, _trials_table
from dashboards.page.thinning import thin
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.run_record import RunRecord


@given(points=st.integers(1, 60), most=st.integers(2, 20))
def test_an_even_sample_keeps_the_ends_and_what_belongs_together(points: int, most: int) -> None:
    numbers = list(range(points))
    trace = Scatter(
        x=numbers,
        y=[10 * n for n in numbers],
        mode="markers",
        customdata=[[n, f"trial {n}"] for n in numbers],
        marker={"color": numbers, "colorscale": [[0, "#000000"], [1, "#ffffff"]]},
        error_y={"array": np.array(numbers)},
        name="all",
    )
    thinned, largest = thin(Figure(trace), most)
    (shown,) = thinned.data
    kept = list(shown.x)
    assert len(kept) == min(points, most)
    assert (kept[0], kept[-1]) == (0, points - 1)
    assert kept == sorted(set(kept))
    assert list(shown.y) == [10 * n for n in kept]
    assert [tuple(row) for row in shown.customdata] == [(n, f"trial {n}") for n in kept]
    assert list(shown.marker.color) == kept
    assert list(shown.error_y.array) == kept
    assert shown.name == "all"
    assert largest == (points if points > most else 0)


def test_every_dimension_of_parallel_coordinates_and_every_bar_is_thinned_alike() -> None:
    values = list(range(9))
    axes = [{"label": "a", "values": values}, {"label": "b", "values": values[::-1]}]
    figure = Figure([Parcoords(dimensions=axes, line={"color": values}), Bar(x=values, y=values)])
    parallel, bars = thin(figure, 3)[0].data
    assert [list(d["values"]) for d in parallel.dimensions] == [[0, 4, 8], [8, 4, 0]]
    assert list(parallel.line.color) == [0, 4, 8]
    assert (list(bars.x), list(bars.y)) == ([0, 4, 8], [0, 4, 8])


def test_lines_in_pieces_and_grids_are_left_whole() -> None:
    pieces = Scatter(x=[0, 1, None, 2, 3], y=[0, 1, None, 2, 3], mode="lines")
    grid = Contour(x=list(range(9)), y=list(range(9)), z=np.ones((9, 9)))
    figure = Figure([pieces, grid])
    assert thin(figure, 2) == (figure, 0)


@pytest.mark.parametrize(("trials", "rows"), [(MOST_ROWS, MOST_ROWS), (MOST_ROWS + 1, MOST_ROWS)])
def test_a_table_holds_the_latest_trials_and_says_where_all_are(
    make_grid: Callable[..., list[RunRecord]],
    study_of: Callable[..., LoadedStudy],
    trials: int,
    rows: int,
) -> None:
    study = study_of(make_grid(trials))
    scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
    text = "".join(_trials_table(scene))
    assert text.count("<tr>") == rows + 1
    assert f"<td data-value='{trials - 1}'>" in text
    assert ("pnn-study show noise-1" in text) == (trials > rows)


def test_a_picture_says_how_many_points_it_draws() -> None:
    figure = Figure(Scatter(x=list(range(2001)), y=list(range(2001)), mode="markers"))
    picture = Picture(name="all", title="All", description="all", figure=figure, data={})
    assert "2,000 of 2,001 points are drawn here." in picture_html(picture, "front")
