import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboards.replication.report_page import get_report_info, write_report

NAME = '"><img src=x onerror=alert(1)><script>alert(1)</script>' + "long_" * 30
DESKTOP, PHONE = 1280, 400


@pytest.fixture(scope="module")
def opened(browser, make_runs, confirmed_study, tmp_path_factory):
    """The page in a browser without a network, and what the browser complained of or asked for."""
    layers = ("perturbation", "conv1x1", "conv3x3", "local_binary")
    groups = [
        make_runs([0.8 + 0.01 * t, 0.81, 0.82], trial=t, layer=layer, params=90_000 * 4**t)
        for t in range(3)
        for layer in layers
    ]
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(path, get_report_info([confirmed_study(*groups, name=NAME)]))
    page = browser.new_page(viewport={"width": DESKTOP, "height": 900}, offline=True)
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append("alert"), dialog.dismiss()))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('.scatterlayer').length >= 2")
    heard.remove(path.as_uri())
    yield page, heard
    page.close()


@pytest.fixture(params=[DESKTOP, PHONE])
def page(opened, request):
    page, _ = opened
    page.set_viewport_size({"width": request.param, "height": 900})
    page.wait_for_function(
        """() => [...document.querySelectorAll(".js-plotly-plot")].every(
            figure => Math.abs(figure._fullLayout.width - figure.clientWidth) < 1)"""
    )
    return page


def test_the_page_needs_no_network_and_complains_of_nothing(opened):
    page, heard = opened
    assert page.locator("img").count() == 0
    assert heard == []


def test_axe_finds_no_fault(page):
    found = Axe().run(page).response["violations"]
    assert [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found] == []


def test_the_page_is_no_wider_than_the_screen(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_legend_covers_a_point(page):
    # In one call: while the page settles after a change of width, it moves between two.
    gaps = page.evaluate(
        """() => [...document.querySelectorAll(".js-plotly-plot")].map(figure => {
            const bottom = figure.querySelector(".legend").getBoundingClientRect().bottom;
            const points = [...figure.querySelectorAll(".scatterlayer path.point")];
            return Math.min(...points.map(p => p.getBoundingClientRect().top - bottom));
        })"""
    )
    assert len(gaps) == 3
    assert min(gaps) > 0


def test_on_a_phone_the_keyboard_scrolls_a_table_in_its_own_box(opened):
    page, _ = opened
    page.set_viewport_size({"width": PHONE, "height": 900})
    region = page.get_by_role("region", name="Table 5")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("region => region.scrollLeft > 0", arg=region.element_handle())
