import itertools
import json
import shutil
from typing import NamedTuple

import pytest
from playwright.sync_api import sync_playwright

from dashboards.export import write_front_page
from dashboards.front import get_front_figure, get_front_info
from study.results.front_table import format_parameter, front_table
from study.results.objective import parse_objectives
from study.results.pareto import front

TWO = parse_objectives("val_accuracy,learnable_params")
AXES = ("mask_count", "noise_level", "fan_out", "batch_size")
# Quotes, markup and a word too long for a phone.
NAME = '"><img src=x onerror=alert(1)><script>alert(1)</script>' + "long_" * 30
DESKTOP, PHONE = 1280, 400
OUTLINE = 3  # pixels
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


class Opened(NamedTuple):
    page: object
    complaints: list
    """Console messages, uncaught errors and dialogues."""
    requests: list
    """Everything asked for but the file itself."""


@pytest.fixture(scope="module")
def records(make_trial):
    accuracies = (0.1, 0.5, 0.45, 0.9, 0.95, 0.3)
    return [
        make_trial(i, accuracy, 500 * 3**i, noise_level=0.02 * 3**i, order=NAME[:30])
        for i, accuracy in enumerate(accuracies)
    ]


@pytest.fixture(scope="module")
def opened(records, tmp_path_factory):
    """The page in a browser without a network, opened once: it takes seconds to start."""
    info = get_front_info(records, TWO, name=NAME, dataset="digits", epochs=4)
    path = tmp_path_factory.mktemp("page") / "front.html"
    write_front_page(path, info, front_table(front(records, TWO), AXES, TWO))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = browser.new_page(viewport={"width": DESKTOP, "height": 900}, offline=True)
        opened = Opened(page, [], [])
        page.on("console", lambda message: opened.complaints.append(message.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (opened.complaints.append("alert"), dialog.dismiss()))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".plotly-graph-div .main-svg")
        opened.requests.remove(path.as_uri())
        yield opened
        browser.close()


@pytest.fixture(params=[DESKTOP, PHONE])
def page(opened, request):
    """The page at one width, with its picture as wide as it will be."""
    resize(opened.page, request.param)
    return opened.page


@pytest.fixture
def wide(opened):
    resize(opened.page, DESKTOP)
    return opened.page


@pytest.fixture
def phone(opened):
    resize(opened.page, PHONE)
    return opened.page


def resize(page, width):
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(
        """() => {
            const figure = document.querySelector(".plotly-graph-div");
            return figure._fullLayout.width === figure.clientWidth;
        }"""
    )


def front_markers(page):
    return page.locator(".scatterlayer .trace").last.locator("path.point")


def hover(page, marker):
    """Move over a marker and read the lines that appear."""
    box = marker.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator(".hoverlayer .hovertext")
    label.wait_for()
    lines = label.locator("tspan.line").evaluate_all("lines => lines.map(line => line.textContent)")
    return label, lines


def test_the_page_needs_no_network_and_complains_of_nothing(opened, wide, records):
    assert wide.locator(".scatterlayer path.point").count() == len(records)
    hover(wide, front_markers(wide).first)
    assert (opened.complaints, opened.requests) == ([], [])


def test_no_button_offers_to_upload_the_picture(wide):
    names = (
        wide.locator(".modebar")
        .get_by_role("button")
        .evaluate_all("buttons => buttons.map(button => button.ariaLabel)")
    )
    assert names == ["Download plot", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]


def test_names_from_elsewhere_are_text(wide):
    title = f"Validation accuracy against learnable parameters: {NAME}"
    assert wide.title() == title
    assert wide.get_by_role("heading", level=1).inner_text() == title
    assert wide.locator("img").count() == 0


def test_hovering_over_a_front_trial_shows_its_whole_configuration(page, records):
    on_front = front(records, TWO)
    assert front_markers(page).count() == len(on_front)
    label, lines = hover(page, front_markers(page).last)
    assert lines[0] == f"trial {on_front[-1].number}"
    for name, value in on_front[-1].parameters.items():
        assert f"{name}: {format_parameter(value)}" in lines
    box, picture = label.bounding_box(), page.locator(".plotly-graph-div").bounding_box()
    for start, size in (("x", "width"), ("y", "height")):
        assert picture[start] - OUTLINE <= box[start]
        assert box[start] + box[size] <= picture[start] + picture[size] + OUTLINE


def test_the_table_lists_the_front_for_readers_and_screen_readers(wide, records):
    rows = wide.get_by_role("table", name="The front").get_by_role("row")
    cells = [row.inner_text().split() for row in rows.all()]
    assert cells[0] == ["trial", *AXES, "learnable_params", "val_accuracy"]
    assert [row[0] for row in cells[1:]] == [str(r.number) for r in front(records, TWO)]
    assert wide.get_by_role("group", name="Scatter plot of validation accuracy").count() == 1


def test_the_page_is_no_wider_than_the_screen(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator(".plotly-graph-div .main-svg").first.bounding_box()
    assert 0 <= box["x"] < box["x"] + box["width"] <= width


def test_on_a_phone_the_keyboard_scrolls_the_table_in_its_own_box(phone):
    phone.get_by_role("region", name="The front as a table").focus()
    phone.keyboard.press("ArrowRight")
    phone.wait_for_function("document.querySelector('.table').scrollLeft > 0")


def test_the_legend_covers_no_trial_and_the_tool_bar_covers_neither(page):
    legend = page.locator(".legend").bounding_box()
    tools = page.locator(".modebar").bounding_box()
    assert tools["y"] + tools["height"] <= legend["y"]
    points = [point.bounding_box() for point in page.locator(".scatterlayer path.point").all()]
    assert all(point["y"] > legend["y"] + legend["height"] for point in points)


def test_tick_labels_do_not_overlap(page, make_trial):
    for factor in (1, 1.2, 2, 3, 5, 7, 10, 30):
        records = [make_trial(i, 0.2 * i + 0.1, round(500 * factor**i)) for i in range(4)]
        figure = get_front_figure(get_front_info(records, TWO, name="", dataset="", epochs=1))
        page.evaluate(
            """figure => {
                document.querySelector("#other")?.remove();
                const other = document.createElement("div");
                other.id = "other";
                document.querySelector("figure").append(other);
                return Plotly.newPlot(other, figure.data, figure.layout);
            }""",
            json.loads(figure.to_json()),
        )
        ticks = page.locator("#other .xaxislayer-above .xtick text").evaluate_all(
            """ticks => ticks.map(tick => tick.getBoundingClientRect())
                .map(box => [box.left, box.right]).sort((a, b) => a[0] - b[0])"""
        )
        assert len(ticks) >= 2
        for (_, end), (start, _) in itertools.pairwise(ticks):
            assert end < start, f"ticks overlap where parameters grow by {factor} a trial"
    page.evaluate("document.querySelector('#other').remove()")
