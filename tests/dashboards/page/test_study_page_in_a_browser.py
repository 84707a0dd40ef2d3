"""The exported page as a reader has it: from a file, without a network."""

import pytest

from dashboards.page.study_page import write_study_page
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions

NAME = '"><img src=x onerror=alert(1)><script>alert(1)</script>' + "long_" * 30
DESKTOP, PHONE = 1280, 400


@pytest.fixture
def page(open_page, make_grid, study_of, tmp_path, request):
    width, scheme = getattr(request, "param", (DESKTOP, "light"))
    path = tmp_path / "study.html"
    study = study_of(make_grid(order=NAME[:30]), name=NAME)
    scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
    write_study_page(path, scene)
    page = open_page(path.as_uri(), width=width, scheme=scheme, offline=True)
    page.wait_for_selector(".picture .main-svg")
    return page


def see_everything(page):
    """Scroll to the end, as pictures are drawn when they come into sight."""
    for picture in page.locator(".picture").all():
        picture.scroll_into_view_if_needed()
        picture.locator(".main-svg").first.wait_for()


@pytest.mark.parametrize(
    "page", [(DESKTOP, "light"), (PHONE, "dark")], indirect=True, ids=["desktop", "phone"]
)
def test_every_picture_is_drawn_and_nothing_is_wider_than_the_screen(page, complaints):
    see_everything(page)
    assert complaints == []
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".picture .main-svg").count() > page.locator(".picture").count()


def test_names_from_elsewhere_are_text(page, complaints):
    see_everything(page)
    assert page.get_by_role("heading", level=1).inner_text() == f"Study {NAME}"
    assert page.locator("img").count() == 0
    assert complaints == []


def test_no_button_offers_to_upload_a_picture(page):
    buttons = page.locator(".modebar").first.get_by_role("button")
    names = buttons.evaluate_all("buttons => buttons.map(button => button.ariaLabel)")
    assert names == ["Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]


def test_pictures_follow_the_readers_theme(page):
    def paper():
        return page.locator(".picture .bg").first.evaluate("bg => getComputedStyle(bg).fill")

    assert paper() == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        """() => getComputedStyle(document.querySelector(".picture .bg")).fill
            === "rgb(22, 26, 31)" """
    )


def test_the_front_sorts_and_is_copied_as_csv(page):
    table = page.get_by_role("region", name="The front").get_by_role("table")
    first = table.locator("tbody tr").first.locator("td").first

    def numbers():
        return [int(text) for text in table.locator("tbody td:first-child").all_inner_texts()]

    header = table.locator("thead button").first
    header.click()
    assert numbers() == sorted(numbers())
    header.click()
    assert numbers() == sorted(numbers(), reverse=True)
    page.get_by_role("button", name="Copy as CSV").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0].startswith("trial,")
    assert lines[1].startswith(f"{first.inner_text()},")
    assert len(lines) == len(numbers()) + 1


def test_what_a_trial_does_not_have_is_sorted_last(open_page, make_trial, study_of, tmp_path):
    shifts = ({"shift": -1.5}, {}, {"shift": 2.5}, {"shift": -0.5}, {})
    records = [make_trial(i, 0.1 + 0.1 * i, 100 + i, **shift) for i, shift in enumerate(shifts)]
    scene = Scene(studies=(study_of(records),), options=ViewOptions(), selected=None, now_ms=0)
    write_study_page(tmp_path / "study.html", scene)
    page = open_page((tmp_path / "study.html").as_uri(), offline=True)
    table = page.get_by_role("region", name="The front").get_by_role("table")
    table.get_by_role("button", name="shift").click()
    numbers = table.locator("tbody td:first-child")
    assert [int(text) for text in numbers.all_inner_texts()][:3] == [0, 3, 2]
    table.get_by_role("button", name="shift").click()
    assert [int(text) for text in numbers.all_inner_texts()][:3] == [2, 3, 0]


@pytest.mark.parametrize("page", [(PHONE, "light")], indirect=True)
def test_on_a_phone_the_keyboard_scrolls_the_table_in_its_own_box(page):
    page.get_by_role("region", name="The front").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.table').scrollLeft > 0")
