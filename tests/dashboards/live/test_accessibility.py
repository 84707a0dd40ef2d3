"""The live page for those who cannot see it or use no mouse: axe-core, and the keyboard."""

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboards.page.study_page import study_page
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.views import VIEWS
from study.results.mlflow.run_content import RunUpdate
from study.results.mlflow.store import MlflowStore
from study.results.study_info import StudyEnd, summarise


@pytest.fixture(scope="module")
def study(make_grid, make_runs, study_of):
    runs = [*make_runs([0.8, 0.81, 0.82]), *make_runs([0.8, 0.82, 0.81], layer="conv1x1")]
    return replace(study_of(make_grid(), "all"), confirmed=tuple(runs))


@pytest.fixture(scope="module")
def address(server, serve_to_all, study):
    """The address of a study with trials and confirmed runs."""
    writing = MlflowStore(server.uri).open_study(study.info)
    writing.open()
    for record in (*study.records, *study.confirmed):
        update = RunUpdate(key=record.key, record=record, epochs=(), started_ms=1, ended_ms=2)
        writing.write_run(update)
    writing.finish(
        summarise(study.records, study.info.objectives, study.info.limit), [], StudyEnd.FINISHED, 3
    )
    return f"{serve_to_all(server.uri)}?study=all"


def faults(page):
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found]


def test_axe_finds_no_fault_on_any_view_nor_in_an_opened_trial(address, open_page):
    page = open_page(address, scheme="dark")
    for view in VIEWS:
        page.goto(f"{address}&view={view}&trial=3")
        page.wait_for_selector("#panel .js-plotly-plot .main-svg")
        page.wait_for_selector("main .js-plotly-plot .main-svg, #below .ag-row")
        assert faults(page) == [], view


def test_axe_finds_no_fault_in_an_exported_page(study, open_page, tmp_path):
    path = tmp_path / "page.html"
    scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
    path.write_text(study_page(scene), encoding="utf-8")
    page = open_page(path.as_uri())
    page.wait_for_selector(".js-plotly-plot .main-svg")
    assert faults(page) == []


def test_a_trial_is_reached_and_opened_by_the_keyboard_alone(address, open_page):
    page = open_page(f"{address}&view=trials")
    page.locator("#below .ag-row").first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('.ag-header-cell')"):
            break
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        if page.evaluate("!!document.activeElement.closest('.ag-row')"):
            break
    page.keyboard.press("Space")
    page.get_by_role("heading", name="Trial 0", exact=True).wait_for()
    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Trial 0", exact=True).wait_for(state="detached")
