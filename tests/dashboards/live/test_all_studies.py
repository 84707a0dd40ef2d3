"""The start page names every study, draws how its search grew, and opens it."""

import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st

from dashboards.live.address import STUDY_COLUMNS, Address
from dashboards.live.all_studies import HEIGHT, WIDTH, in_order, sparkline
from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.overview import StudyOverview
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.study_info import StudyEnd, summarise


def write(uri, study, *, with_history):
    """Write a study that has ended: as a writer of today does, or as one of earlier versions."""
    opened = MlflowStore(uri).open_study(study.info)
    summary = summarise(study.records, study.info.objectives, study.info.limit)
    if not with_history:
        opened.open()
        opened.finish(summary, [], StudyEnd.FINISHED, 2000)
        return
    writer = MlflowWriter(opened, collect_seconds=0.01)
    for record in study.records:
        running = replace(record, state=RunState.RUNNING, replicates=(), reason="", ended_ms=None)
        writer.run_started(running)
        writer.run_ended(record)
    writer.study_ended(summary, [], StudyEnd.FINISHED)
    assert not writer.close(60).error


@pytest.fixture
def two_studies(sqlite_uri, make_grid, study_of):
    """A tracker with a study of today and one of an earlier version."""
    for name, with_history in (("earlier", False), ("today", True)):
        study = study_of(make_grid(), name)
        complete = [r for r in study.records if r.state is RunState.COMPLETE][:5]
        write(sqlite_uri, replace(study, records=tuple(complete)), with_history=with_history)
    return sqlite_uri


def test_an_overview_is_read_from_the_studies_own_runs(two_studies) -> None:
    store = MlflowStore(two_studies)
    today, earlier = store.overviews()
    assert (today.name, earlier.name) == ("today", "earlier")
    assert {one.state for one in (today, earlier)} == {"finished"}
    assert (today.ended, earlier.ended) == (5, 5)
    assert today.best == earlier.best is not None
    assert len(today.hypervolume) == 5
    assert [*today.hypervolume] == sorted(today.hypervolume)
    assert earlier.hypervolume == ()
    assert store.overviews() == (today, earlier)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400))
def test_a_sparkline_stays_in_its_box_and_ends_with_the_last_value(values) -> None:
    svg = unquote(sparkline(values, "#005a8c"))
    found = re.search(r'points="([^"]*)"', svg)
    points = [tuple(map(float, pair.split(","))) for pair in found[1].split()]
    assert len(points) <= 2 * WIDTH + 1
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    height = (HEIGHT - 4) * (1 - values[-1] / (max(values) or 1))
    assert points[-1][1] == pytest.approx(2 + height, abs=0.06)


@pytest.mark.parametrize("column", STUDY_COLUMNS)
def test_every_column_sorts_both_ways_and_what_is_not_known_comes_last(column) -> None:
    def overview(name, number):
        known = dict.fromkeys(("state", "dataset", "space"), name)
        times = {"started_ms": number or 0, "ended_ms": number}
        counts = {"ended": number, "asked": number, "best": number}
        growth = {"hypervolume": () if number is None else (0.0, number)}
        return StudyOverview(name=name, **known, **times, **counts, **growth)

    studies = [overview("b", 2), overview("a", 1), overview("c", 3)]
    assert [one.name for one in in_order(studies, column)] == ["a", "b", "c"]
    assert [one.name for one in in_order(studies, f"-{column}")] == ["c", "b", "a"]
    unknown = [overview("x", None), *studies]
    if column in ("trials", "best", "hypervolume"):
        assert in_order(unknown, column)[-1] == in_order(unknown, f"-{column}")[-1] == unknown[0]
    assert in_order(studies, "") == studies


def test_an_order_is_kept_in_the_address_and_an_unknown_one_refused() -> None:
    assert Address.parse(str(Address(view="studies", sort="-best"))).sort == "-best"
    with pytest.raises(ValueError, match="must be one of study, state"):
        Address.parse("?view=studies&sort=size")


def test_the_bare_address_lists_all_studies_and_a_row_opens_one(
    two_studies, serve, open_page
) -> None:
    page = open_page(serve(two_studies))
    page.get_by_role("link", name="earlier", exact=True).wait_for()
    assert page.locator(".all-studies tbody tr").count() == 2
    assert page.locator(".all-studies img").count() == 1
    assert page.get_by_text("not recorded").count() == 1
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="study", exact=True).click()
    page.locator("th[aria-sort='ascending']").wait_for()
    assert page.locator(".all-studies tbody th").all_inner_texts() == ["earlier", "today"]
    page.get_by_role("link", name="study", exact=True).click()
    page.locator("th[aria-sort='descending']").wait_for()
    assert page.locator(".all-studies tbody th").all_inner_texts() == ["today", "earlier"]
    assert page.url.endswith("view=studies&sort=-study")
    page.get_by_role("link", name="today", exact=True).click()
    page.wait_for_selector(".js-plotly-plot .point")
    assert page.url.endswith("?study=today")
    page.get_by_role("link", name="All studies").click()
    page.get_by_role("link", name="earlier", exact=True).wait_for()
    assert page.url.endswith("?study=today&view=studies")
