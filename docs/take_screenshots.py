"""The pictures of `docs/dashboards.md`: every view of a served study, wide and on a phone.

Usage: take_screenshots.py URL STUDY [OTHER]: a live page, a study it shows, and one beside it
"""

import io
import shutil
import sys
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from dashboards.live.address import ALL_STUDIES
from dashboards.views import VIEWS

FOLDER = Path(__file__).parent / "screenshots"
WIDTHS = {"wide": 1280, "phone": 400}
LONGEST = {"wide": 6000, "phone": 1800}  # pixels: a phone's page is long
COLOURS = 128


def main() -> None:
    """Take them all."""
    url, *studies = sys.argv[1:]
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox"],
        )
        for view in (ALL_STUDIES, *VIEWS):
            shown = studies if view == "compare" else studies[:1]
            query = urlencode([*(("study", name) for name in shown), ("view", view)])
            for name, width in WIDTHS.items():
                path = FOLDER / f"{view}-{name}.png"
                take(browser, f"{url}/?{query}", width, LONGEST[name]).save(path, optimize=True)
                print(path.name, f"{path.stat().st_size / 1e3:.0f} kB")
        browser.close()


def take(browser: Browser, address: str, width: int, longest: int) -> Image.Image:
    """One page, in few colours: pictures of lines and letters need no more."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    page.wait_for_selector(".js-plotly-plot .main-svg, .ag-row, .all-studies")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2000)
    page.evaluate("document.querySelector('footer').remove()")  # it names a folder of this machine
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    page.close()
    part = taken.crop((0, 0, taken.width, min(taken.height, longest))).convert("RGB")
    # The usual method drops a colour that a single mark has, such as that of a verdict.
    return part.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)


if __name__ == "__main__":
    main()
