"""The live page in a real browser, on a real MLflow server, while a real study runs."""

import dataclasses
import re
import time

import pytest

from study.results.mlflow.run_content import RunUpdate
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState
from study.results.study_info import StudyEnd, summarise

MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
DESKTOP, PHONE = 1280, 400
ONE_BY_ONE = ("--trials", "5", "--epochs", "12", "--max-concurrent", "1")
STUDY = ("--space", "noise_masks", "--name", "live", *ONE_BY_ONE)
MS = 1_700_000_000_000


TRIALS = ".scatterlayer .trace:has(path.point)"


def trials(page):
    """The points of all trials: the front's rings and lines are traces of their own."""
    return page.locator(TRIALS).first.locator("path.point")


def search_of(page):
    return page.url.partition("?")[2]


def wait_for_address(page, *parts):
    """Wait until the address holds all of these."""
    deadline = time.monotonic() + 60
    while not all(part in search_of(page) for part in parts):
        assert time.monotonic() < deadline, (parts, page.url)
        page.wait_for_timeout(100)


def wait_until(page, expression, seconds=60):
    """Wait until an expression is true: the page's policy forbids Playwright's own way."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def write(uri, study, end=StudyEnd.FINISHED):
    """A study whose trials have all ended, straight into the tracker."""
    writing = MlflowStore(uri).open_study(study.info)
    writing.open()
    records = [
        dataclasses.replace(record, started_ms=MS + record.number, ended_ms=MS + 10**4)
        for record in study.records
    ]
    for record in records:
        writing.write_run(
            RunUpdate(
                key=record.key,
                record=record,
                epochs=(),
                started_ms=record.started_ms,
                ended_ms=record.ended_ms,
            )
        )
    writing.finish(summarise(records, study.info.objectives, ()), [], end, MS + 10**5)


@pytest.fixture(scope="module")
def address(server, serve_to_all, make_grid, study_of):
    """The address of one study whose texts hold markup."""
    write(server.uri, study_of(make_grid(order=MARKUP), "markup", dataset=MARKUP, space=MARKUP))
    return f"{serve_to_all(server.uri)}?study=markup"


@pytest.fixture
def page(address, open_page):
    page = open_page(address)
    page.wait_for_selector(".js-plotly-plot .point")
    return page


def test_a_running_study_grows_on_the_page_without_a_reload(
    server, serve, open_page, command, complaints
):
    study = command.start(*STUDY, "--tracking-uri", server.uri, "--quiet")
    page = open_page(f"{serve(server.uri)}?study=live")
    page.evaluate("window.loadedOnce = true")
    page.get_by_text("Read from MLflow").wait_for(timeout=120_000)
    seen = []
    while study.poll() is None:
        seen.append(trials(page).count() if page.locator(TRIALS).count() else 0)
        page.wait_for_timeout(300)
    out, err = study.communicate()
    assert study.returncode == 0, out + err
    wait_until(
        page,
        f"document.querySelector('{TRIALS}')?.querySelectorAll('path.point').length === 5",
        seconds=120,
    )
    assert page.evaluate("window.loadedOnce")
    assert len({*seen, 5}) >= 3, seen  # it grew in steps, and not all at once at the end
    assert complaints == []


def test_nothing_is_asked_of_any_other_machine(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector(".js-plotly-plot .point")
    here = re.match(r"http://127\.0\.0\.1:\d+/", page.url)[0]
    elsewhere = [u for u in asked if not u.startswith((here, "data:", "blob:"))]
    assert asked
    assert elsewhere == []


def test_a_trial_is_opened_by_a_click_and_closed_again(page, complaints):
    trials(page).first.hover(force=True)
    hover = page.locator(".hoverlayer .hovertext")
    hover.wait_for()
    assert "trial 0" in hover.text_content()
    trials(page).first.click(force=True)
    wait_for_address(page, "trial=0")
    panel = page.get_by_role("complementary", name=re.compile("^Trial"))
    panel.get_by_role("heading", name="Trial 0", exact=True).wait_for()
    text = panel.text_content()  # settings that no trial varies are folded
    assert "--rerun" in text
    assert MARKUP in text  # of its configuration, as text
    panel.locator(".js-plotly-plot").first.wait_for()  # curves
    panel.get_by_role("heading", name=re.compile("masks", re.IGNORECASE)).wait_for()
    assert (
        panel.get_by_role("link", name=re.compile("^run "))
        .get_attribute("href")
        .startswith("http://127.0.0.1:")
    )
    panel.get_by_role("button", name="Close").click()
    wait_until(page, "document.querySelector('aside') === null")
    assert "trial=" not in search_of(page)
    assert complaints == []


def test_stops_are_told_in_the_progress_and_by_the_trial_with_markup_as_text(
    server, serve, open_page, make_trial, study_of, complaints
):
    reason = f"stopped at epoch 1: {MARKUP}"
    stopped = make_trial(1, 0.9, state=RunState.PRUNED)
    records = [make_trial(0), dataclasses.replace(stopped, reason=reason)]
    known = {"trials": 2, "epochs": 9, "scheduler": "moasha"}
    study = study_of(records, name="stops", rungs=(1, 3), reduction_factor=3, **known)
    write(server.uri, study)
    page = open_page(f"{serve(server.uri)}?study=stops&view=progress&trial=1")
    page.get_by_role("heading", name="How far trials came: stops").wait_for()
    page.get_by_role("heading", name="Stopped early: 1 trial").wait_for()
    assert page.locator(".status dt").all_inner_texts()[-2:] == ["stopped early", "failed"]
    assert "1 stopped early: at epoch 1 (trial 1)" in page.locator(".status").inner_text()
    panel = page.locator(".panel").inner_text()
    assert f"Stopped early after 1 epoch: {reason}" in panel
    page.get_by_role("gridcell", name="stopped at epoch 1").first.wait_for()
    assert page.locator("main img, main script, .panel img").count() == 0
    assert complaints == []


def brush_left_half(page):
    plot = page.locator(".nsewdrag").first.bounding_box()
    middle = plot["x"] + plot["width"] / 2
    page.mouse.move(plot["x"] + 1, plot["y"] + 1)
    page.mouse.down()
    page.mouse.move(middle, plot["y"] + plot["height"] / 2)
    page.mouse.move(middle, plot["y"] + plot["height"] - 1)
    page.mouse.up()


def test_a_brush_narrows_the_table_and_the_other_views(page, complaints):
    brush_left_half(page)
    brush = page.locator(".brush")
    brush.wait_for()
    wait_for_address(page, "within=learnable_params")
    count = int(re.match(r"(\d+) trial", brush.inner_text())[1])
    assert 0 < count < 12
    page.get_by_role("heading", name="The front within the brush").wait_for()
    page.get_by_role("link", name="Curves").click()
    page.get_by_text(f"{count} trials selected").first.wait_for(state="attached")
    brush.get_by_role("button").click()
    wait_until(page, "document.querySelector('.brush') === null")
    assert "within" not in search_of(page)
    assert complaints == []


FADED = """document.querySelector('#pictures .js-plotly-plot').data
    .some((trace) => trace.selectedpoints != null)"""


def test_a_brush_fades_the_others_until_all_are_shown_and_comes_back_with_its_address(
    page, complaints
):
    assert not page.evaluate(FADED)
    brush_left_half(page)
    brush = page.locator(".brush")
    brush.wait_for()
    assert page.evaluate(FADED)
    brush.get_by_role("button").click()
    wait_until(page, "document.querySelector('.brush') === null")
    assert not page.evaluate(FADED)
    page.go_back()
    brush.wait_for()
    wait_until(page, FADED)
    front = page.locator(".nsewdrag").first
    front.scroll_into_view_if_needed()
    plot = front.bounding_box()
    page.mouse.dblclick(plot["x"] + plot["width"] - 5, plot["y"] + plot["height"] - 5)
    wait_until(page, "document.querySelector('.brush') === null")
    assert not page.evaluate(FADED)
    assert complaints == []


def test_a_box_over_the_place_of_zero_holds_the_trials_at_zero(page, complaints):
    page.get_by_role("link", name="What matters").click()
    slices = page.get_by_role("figure").filter(has_text="Validation accuracy against noise level")
    plot = slices.locator(".nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] - 1)
    page.mouse.up()
    wait_for_address(page, "within=noise_level%3A0..")
    page.locator(".brush").get_by_text("3 trials within noise level ℓ 0 to ").wait_for()
    assert complaints == []


def test_a_brush_goes_and_comes_with_back_and_forward(page, complaints):
    brush_left_half(page)
    brush = page.locator(".brush")
    brush.wait_for()
    page.go_back()
    wait_until(page, "document.querySelector('.brush') === null")
    wait_until(page, f"!({FADED})")
    page.go_forward()
    brush.wait_for()
    wait_until(page, FADED)
    assert complaints == []


def test_a_picture_that_tells_of_a_brush_forgets_it_with_the_brush(page, complaints):
    brush_left_half(page)
    page.locator(".brush").wait_for()
    page.get_by_role("link", name="Cost", exact=True).click()
    told = page.locator("#pictures").get_by_text(re.compile("trials? selected, the others faded"))
    told.wait_for(state="attached")
    page.locator(".brush").get_by_role("button").click()
    told.wait_for(state="detached")
    assert complaints == []


def test_axes_are_chosen_and_stay_in_the_address(page, open_page, complaints):
    page.locator("label", has_text="Horizontal axis").locator(".dash-dropdown").click()
    page.locator("form").get_by_text("multiply-accumulates per image", exact=True).click()
    page.get_by_role("heading", name=re.compile("against multiply-accumulates")).wait_for()
    wait_for_address(page, "x=macs")
    shared = open_page(page.url)
    shared.get_by_role("heading", name=re.compile("against multiply-accumulates")).wait_for()
    page.go_back()
    page.get_by_role("heading", name=re.compile("against learnable parameters")).wait_for()
    assert complaints == []


def test_the_front_is_sorted_and_its_picture_downloaded(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    numbers = page.locator(".ag-center-cols-container [col-id='trial']")
    numbers.first.wait_for()
    page.locator(".ag-header-cell[col-id='trial']").click()
    page.wait_for_timeout(500)
    shown = [int(text) for text in numbers.all_inner_texts()]
    assert shown == sorted(shown)
    files = (("CSV", b'"kind",'), ("PARQUET", b"PAR1"), ("PNG", b"\x89PNG"), ("SVG", b"<svg"))
    for kind, start in files:
        with page.expect_download() as download:
            page.locator(".downloads").first.get_by_text(kind).click()
        assert download.value.path().read_bytes().startswith(start)
        assert download.value.suggested_filename == f"front.{kind.lower()}"
    drawn_by_the_server = [url for url in asked if ".png" in url or ".svg" in url]
    assert drawn_by_the_server == []


def test_rows_are_left_that_contain_what_is_typed(page):
    page.goto(f"{page.url}&view=trials")
    rows = page.locator("#below .ag-center-cols-container .ag-row")
    rows.first.wait_for()
    address, before = page.url, rows.count()
    page.get_by_label("Rows that contain").fill("no such text")
    rows.first.wait_for(state="detached")
    page.get_by_label("Rows that contain").fill("complete")
    rows.first.wait_for()
    assert before >= rows.count() > 0
    assert page.url == address


@pytest.mark.parametrize(
    "view", ["front", "trials", "progress", "matters", "curves", "compare", "cost"]
)
def test_every_view_fits_a_phone_and_complains_of_nothing(page, view, complaints):
    page.set_viewport_size({"width": PHONE, "height": 900})
    page.goto(f"{page.url}&view={view}")
    page.wait_for_selector(".js-plotly-plot .main-svg, #below .ag-row")
    page.wait_for_timeout(1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    for picture in page.locator("main figure > [role=group]").all():
        assert picture.get_attribute("aria-label")
    assert page.locator("img").count() == 0
    assert complaints == []


def test_light_and_dark_are_the_readers_choice(page):
    def paper():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper() == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark theme").click()
    wait_until(
        page,
        """() => getComputedStyle(document.querySelector(".js-plotly-plot .bg")).fill
            === "rgb(22, 26, 31)" """,
    )
    assert paper() == "rgb(22, 26, 31)"
    page.reload()
    page.wait_for_selector(".js-plotly-plot .point")
    assert paper() == "rgb(22, 26, 31)"


def test_views_are_reached_by_the_keyboard(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the pictures"
    page.get_by_role("link", name="Cost").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=re.compile("what parameters hide")).wait_for()


def test_an_empty_tracker_says_what_to_type(sqlite_uri, serve, open_page, complaints):
    page = open_page(serve(sqlite_uri))
    page.get_by_role("heading", name="No studies yet").wait_for()
    assert page.locator("code").inner_text() == "python -m study.run --space noise_masks"
    assert complaints == []


def test_a_tracker_that_goes_away_and_comes_back_needs_no_reload(
    own_server, serve, open_page, make_grid, study_of
):
    own_server.kill()
    page = open_page(serve(own_server.uri))
    page.get_by_role("heading", name="The tracker cannot be used").wait_for()
    said = page.locator("main").inner_text()
    assert own_server.uri in said
    # The latter where the system is not through with closing what the server had open.
    assert re.search("connection (refused|reset by peer)", said)
    own_server.start()
    page.get_by_role("heading", name="No studies yet").wait_for()
    write(own_server.uri, study_of(make_grid(), name="back"))
    wait_until(
        page, f"document.querySelector('{TRIALS}')?.querySelectorAll('path.point').length === 12"
    )
    own_server.kill()
    page.get_by_role("heading", name=re.compile("The tracker does not answer")).wait_for()
    assert trials(page).count() == 12  # what was read before stays in sight


def test_an_address_that_means_nothing_is_explained(server, serve, open_page):
    page = open_page(f"{serve(server.uri)}?view=frnt")
    page.get_by_text("there is no view 'frnt'").wait_for()
    page.goto(page.url.replace("view=frnt", "study=nobody"))
    page.get_by_text("there is no study 'nobody'").wait_for()
