"""Ten thousand trials on a page: this project beside optuna-dashboard and Optuna's own figure.

One generated study (`generated_study.py`) is written into an MLflow database and into an Optuna
storage. All is then measured side by side in one run:

- reading: time from the tracker's last answer to a front that can be drawn
- the figure of the front, against `optuna.visualization.plot_pareto_front`
- an open page, from the tracker's last answer to its first picture, in Chromium
- a page of a study that was read before, from its address, against optuna-dashboard's page
- a box drawn over points, from letting go to the table that follows it; the server's part of it
- the export's size, and the time to write it

optuna-dashboard is no dependency of this project: `pip install optuna-dashboard` beside it.

Usage: dashboard_scale.py [--trials 10000] [--epochs 50] [--keep FOLDER]
"""

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

import flask
import optuna
from generated_study import generated_info, generated_trials, write_study
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from dashboards.live.server import create_app
from dashboards.page.study_page import study_page
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.views import PICTURES
from study.results.mlflow import live_reader as feed
from study.results.mlflow.client import search_page
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunRecord, RunState

NAME = "large"
REPEATS = 5
OURS = "#pictures .js-plotly-plot .main-svg"
THEIRS = ".js-plotly-plot .main-svg"
START_SECONDS = 120.0
SWITCHES = ["--no-sandbox", "--no-first-run", "--disable-background-networking"]


class Row(NamedTuple):
    """One line of the table, in seconds.

    Attributes:
        what: Quantity that was measured.
        ours: Seconds of this project.
        peer: Seconds of the peer; None if there is none.
    """

    what: str
    ours: float
    peer: float | None = None

    def __str__(self) -> str:
        """Format the row as Markdown."""
        peer = "" if self.peer is None else f"{self.peer:.2f}"
        ratio = "" if self.peer is None else f"{self.ours / self.peer:.2f}"
        return f"| {self.what} | {self.ours:.2f} | {peer} | {ratio} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--keep", type=Path, help="folder of both databases, made when missing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        tracker, storage = f"sqlite:///{folder}/mlflow.db", f"sqlite:///{folder}/optuna.db"
        if not (folder / "mlflow.db").exists():
            write_both(tracker, storage, arguments.trials, arguments.epochs)
        print("| | this project, s | peer, s | ratio |\n|---|---:|---:|---:|", flush=True)
        for row in measure(tracker, storage):
            print(row, flush=True)


def write_both(tracker: str, storage: str, trials: int, epochs: int) -> None:
    """Write the same study for both sides; Optuna keeps final values and settings alone."""
    records = list(generated_trials(trials, epochs))
    info = generated_info(NAME, trials, epochs)
    write_study(tracker, info, records)
    study = optuna.create_study(
        storage=storage, study_name=NAME, directions=[o.direction for o in info.objectives]
    )
    study.add_trials([_optuna_trial(r) for r in records if r.state is RunState.COMPLETE])


def _optuna_trial(record: RunRecord) -> optuna.trial.FrozenTrial:
    metrics = record.metrics()
    values = {name: record.parameters[name] for name in ("mask_count", "batch_size", "fan_out")}
    return optuna.create_trial(
        values=[metrics["val_accuracy"], metrics["learnable_params"]],
        params=values | {"noise_level": record.parameters["noise_level"]},
        distributions={
            "mask_count": optuna.distributions.IntDistribution(1, 1024),
            "batch_size": optuna.distributions.IntDistribution(1, 1024),
            "fan_out": optuna.distributions.IntDistribution(1, 8),
            "noise_level": optuna.distributions.FloatDistribution(0.01, 5.0, log=True),
        },
    )


def measure(tracker: str, storage: str) -> Iterator[Row]:
    """Measure everything, one after the other."""
    study, read_seconds = read_after_the_last_answer(tracker)
    peer = optuna.load_study(study_name=NAME, storage=storage)
    peer_seconds = timed(lambda: peer.get_trials(deepcopy=False))
    yield Row("reading, once the last answer is there", read_seconds)
    print(f"Optuna reads all of its storage in {peer_seconds:.2f} s", file=sys.stderr)
    yield Row(
        "figure of the front, first",
        timed(lambda: PICTURES["front"].draw(_scene(study)).figure.to_json()),
        timed(lambda: optuna.visualization.plot_pareto_front(peer).to_json()),
    )
    again = [
        timed(lambda: PICTURES["front"].draw(_scene(study)).figure.to_json())
        for _ in range(REPEATS)
    ]
    others = [
        timed(lambda: optuna.visualization.plot_pareto_front(peer).to_json())
        for _ in range(REPEATS)
    ]
    yield Row("figure of the front, again", median(again), median(others))
    started = time.perf_counter()
    size = len(study_page(_scene(study)))
    yield Row(f"export of {size / 1e6:.1f} MB", time.perf_counter() - started)
    yield from measure_pages(tracker, storage)


@contextmanager
def answers() -> Iterator[list[float]]:
    """Collect the time of each of the tracker's answers."""
    came: list[float] = []

    def noting(*arguments: Any) -> tuple[list[Any], str]:  # noqa: ANN401 - passed on as they are
        page = search_page(*arguments)
        came.append(time.perf_counter())
        return page

    with patch.object(feed, "search_page", noting):
        yield came


def read_after_the_last_answer(tracker: str) -> tuple[LoadedStudy, float]:
    """Read the study; return it and the seconds from the tracker's last answer to it."""
    with answers() as came:
        study = MlflowStore(tracker).load_study(NAME)
        return study, time.perf_counter() - came[-1]


def measure_pages(tracker: str, storage: str) -> Iterator[Row]:
    """Measure all pages in one browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    theirs = [sys.executable, "-m", "optuna_dashboard._cli", storage]
    with sync_playwright() as playwright, served(theirs) as other:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        with answers() as came, serving(create_app(tracker).server) as own:
            first = browser.new_page()
            first.goto(f"{own}?study={NAME}")
            first.wait_for_selector(OURS, timeout=600_000)
            yield Row("open page, once the last answer is there", time.perf_counter() - came[-1])
            pairs = [
                (
                    paint(browser.new_page(), f"{own}?study={NAME}", OURS),
                    paint(browser.new_page(), f"{other}/dashboard/studies/1", THEIRS),
                )
                for _ in range(REPEATS)
            ]
            mine, peers = zip(*pairs, strict=True)
            yield Row("page of the front, from its address", median(mine), median(peers))
            brushed = [brush(first) for _ in range(REPEATS)]
            yield Row("a box over points, to the table", median(whole for whole, _ in brushed))
            yield Row("- in the server", median(server for _, server in brushed))
        browser.close()


@contextmanager
def serving(application: flask.Flask) -> Iterator[str]:
    """Serve this project's page in a thread of this process."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()


@contextmanager
def served(command: list[str]) -> Iterator[str]:
    """Run a server on a free port until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait()


def paint(page: Page, address: str, picture: str) -> float:
    """Return the seconds until a page shows its first picture."""
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(picture, timeout=600_000)
    seconds = time.perf_counter() - started
    page.close()
    return seconds


def brush(page: Page) -> tuple[float, float]:
    """Return the seconds from the end of a box to the table that follows it, and the server's.

    All trials are shown again afterwards.
    """
    plot = page.locator("#pictures .nsewdrag").first.bounding_box()
    assert plot is not None, "the front has axes"
    page.mouse.move(plot["x"] + 5, plot["y"] + 5)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] / 2)
    page.wait_for_timeout(1000)  # the hand rests: the box is drawn
    page.evaluate("performance.clearResourceTimings()")
    started = time.perf_counter()
    page.mouse.up()
    page.wait_for_selector("text=The front within the brush", timeout=60_000)
    seconds = time.perf_counter() - started
    longest = page.evaluate(
        "Math.max(...performance.getEntriesByType('resource').map((asked) => asked.duration))"
    )
    page.locator(".brush button").click()
    page.wait_for_function("document.querySelector('.brush') === null")
    page.wait_for_timeout(1000)
    return seconds, longest / 1000


def timed(do: Callable[[], object]) -> float:
    """Return the seconds that a function takes."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def _scene(study: LoadedStudy) -> Scene:
    return Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)


if __name__ == "__main__":
    main()
