"""Hand-made trials and studies, and a browser."""

import shutil
from collections.abc import Callable, Iterable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pnn_core.config import Costs, DatasetShape, EpochResult, ModelConfig, TrialConfig
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import parse_objectives
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyInfo

MakeTrial = Callable[..., TrialRecord]
MakeStudy = Callable[..., LoadedStudy]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SWITCHES = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)


@pytest.fixture(scope="session")
def make_trial() -> MakeTrial:
    """A trial of the given accuracy and learnable parameters, with any parameter changed."""

    def make(
        number: int,
        accuracy: float = 0.5,
        params: int = 1000,
        *,
        macs: int = 5000,
        loss: float = 1.0,
        seconds: float = 2.0,
        state: TrialState = TrialState.COMPLETE,
        **parameters: object,
    ) -> TrialRecord:
        settings = TrialConfig(model=ModelConfig(dataset=DIGITS), seed=number).parameters()
        result = EpochResult(
            epoch=1,
            train_loss=1.5,
            val_loss=loss,
            val_accuracy=accuracy,
            train_seconds=seconds,
            val_seconds=0.1,
        )
        return TrialRecord(
            number=number,
            state=state,
            parameters={**settings, **parameters},
            costs=Costs(learnable_params=params, mask_values=64, macs=macs),
            replicates=((result,),),
        )

    return make


@pytest.fixture(scope="session")
def make_grid(make_trial: MakeTrial) -> Callable[..., list[TrialRecord]]:
    """Complete trials that search noise level, mask count and batch size."""

    def make(count: int = 12, **parameters: object) -> list[TrialRecord]:
        return [
            make_trial(
                number,
                0.3 + 0.05 * (number % 12),
                500 * (number + 1),
                noise_level=(0.0, 0.1, 1.0, 0.5)[number % 4],
                mask_count=8 * (1 + number % 3),
                batch_size=(10, 20)[number % 2],
                **parameters,
            )
            for number in range(count)
        ]

    return make


@pytest.fixture(scope="session")
def study_of() -> MakeStudy:
    """A study of given trials, with anything that is known of it changed."""

    def make(
        records: Iterable[TrialRecord],
        name: str = "noise-1",
        objectives: str = "val_accuracy,learnable_params",
        **changes: object,
    ) -> LoadedStudy:
        known = {
            "name": name,
            "study_id": name,
            "space": "noise_masks",
            "dataset": "digits",
            "seed": 0,
            "trials": 24,
            "epochs": 1,
            "replicates": 1,
            "confirm": 0,
            "sampler": "tpe",
            "scheduler": "fifo",
            "objectives": parse_objectives(objectives),
            "git_commit": "",
            "versions": {},
        }
        info = StudyInfo(**{**known, **changes})
        return LoadedStudy(info=info, records=tuple(records), confirmed=(), undecodable=())

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once: that takes seconds."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """Console messages, uncaught errors, dialogues and failed requests of the test's pages."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens an address in a page of its own, whose complaints are noted."""
    contexts = []

    def open_(address: str, *, width: int = 1280, scheme: str = "light", offline: bool = False):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=offline,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # of a busy machine
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("dialogue"), dialog.dismiss()))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
