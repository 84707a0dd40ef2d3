"""Hand-made trials, confirmed runs and studies, and a browser."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from pnn_core.config import (
    ConfirmResult,
    Costs,
    DatasetShape,
    EpochResult,
    ModelConfig,
    TrialConfig,
)
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo

MakeTrial = Callable[..., RunRecord]
MakeRuns = Callable[..., list[RunRecord]]
MakeStudy = Callable[..., LoadedStudy]
Minute = Callable[[float], int]
MakeTimed = Callable[..., RunRecord]

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
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)


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
        state: RunState = RunState.COMPLETE,
        **parameters: object,
    ) -> RunRecord:
        settings = TrialConfig(model=ModelConfig(dataset=DIGITS), seed=number).parameters()
        result = EpochResult(
            epoch=1,
            train_loss=1.5,
            val_loss=loss,
            val_accuracy=accuracy,
            train_seconds=seconds,
            val_seconds=0.1,
        )
        return RunRecord(
            key=RunKey(number),
            state=state,
            parameters={**settings, **parameters},
            costs=Costs(learnable_params=params, mask_values=64, macs=macs),
            replicates=((result,),),
        )

    return make


@pytest.fixture(scope="session")
def make_grid(make_trial: MakeTrial) -> Callable[..., list[RunRecord]]:
    """Complete trials that search noise level, mask count and batch size."""

    def make(count: int = 12, **parameters: object) -> list[RunRecord]:
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
        records: Iterable[RunRecord],
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
def make_runs() -> MakeRuns:
    """A confirmed run for each accuracy, None for one that failed, with any setting changed."""

    def make(
        accuracies: Iterable[float | None],
        *,
        trial: int = 0,
        params: int | None = 1_400_000,
        mask_values: int = 1,
        size_difference: float = 0.0,
        inflation: float = 0.03,
        reason: str = "out of memory",
        device: str = "one GPU",
        **settings: object,
    ) -> list[RunRecord]:
        config = TrialConfig(model=ModelConfig(dataset=CIFAR), epochs=12)
        config = config.with_parameters(settings)
        costs = params and Costs(learnable_params=params, mask_values=mask_values, macs=1)
        return [
            RunRecord(
                key=RunKey(trial, config.model.layer, seed),
                state=RunState.FAILED if accuracy is None else RunState.COMPLETE,
                parameters={**config.parameters(), "seed": seed},
                size_difference=size_difference,
                costs=costs or None,
                result=None
                if accuracy is None
                else ConfirmResult(
                    train_loss=0.1,
                    test_accuracy=accuracy,
                    published_test_accuracy=accuracy + inflation,
                    train_seconds=600.0,
                ),
                device=device,
                reason=reason if accuracy is None else "",
            )
            for seed, accuracy in enumerate(accuracies, start=100)
        ]

    return make


@pytest.fixture(scope="session")
def confirmed_study(study_of: MakeStudy) -> MakeStudy:
    """A study of the given confirmed runs, with anything that is known of it changed."""

    def make(*groups: Iterable[RunRecord], **changes: object) -> LoadedStudy:
        confirmed = tuple(run for group in groups for run in group)
        known = {
            "name": "masks",
            "dataset": "cifar10",
            "trials": 8,
            "epochs": 12,
            "replicates": 2,
            "confirm": 5,
            "git_commit": "0123abc",
            "versions": {"python": "3.11.7", "torch": "2.14.1"},
        }
        records = [
            RunRecord(
                key=RunKey(trial), state=RunState.COMPLETE, parameters={"layer": "perturbation"}
            )
            for trial in sorted({run.trial for run in confirmed})
        ]
        return replace(study_of(records, **{**known, **changes}), confirmed=confirmed)

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

    def complain(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the browser's own, where a page is left
            complaints.append(f"failed: {request.url}")

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
        page.on("requestfailed", complain)
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def minute() -> Minute:
    """A time, in milliseconds since 1970, so many minutes after the study's start."""
    return lambda minutes: 1_790_000_000_000 + round(60_000 * minutes)


@pytest.fixture(scope="session")
def trial_at(minute: Minute) -> MakeTimed:
    """A trial from one second to another, or still running, of which no epoch is known."""

    def make(
        number: int,
        start: float | None,
        end: float | None = None,
        *,
        state: RunState | None = None,
        **changes: object,
    ) -> RunRecord:
        return RunRecord(
            key=RunKey(number),
            state=state or (RunState.RUNNING if end is None else RunState.COMPLETE),
            parameters={},
            started_ms=None if start is None else minute(start / 60),
            ended_ms=None if end is None else minute(end / 60),
            **changes,
        )

    return make


@pytest.fixture(scope="session")
def make_timed(make_trial: MakeTimed, minute: Minute) -> MakeTimed:
    """A trial from one minute to another, or still running, with epochs of half a minute."""

    def make(
        number: int,
        start: float,
        end: float | None = None,
        *,
        epochs: int = 4,
        **changes: object,
    ) -> RunRecord:
        state = RunState.RUNNING if end is None else RunState.COMPLETE
        record = make_trial(number, state=state, seconds=29.9)
        (result,) = record.replicates[0]
        curve = tuple(replace(result, epoch=epoch + 1) for epoch in range(epochs))
        times = {
            "replicates": (curve,) if epochs else (),
            "started_ms": minute(start),
            "ended_ms": None if end is None else minute(end),
        }
        return replace(record, **{**times, **changes})

    return make


@pytest.fixture(scope="session")
def halfway(make_timed: MakeTimed, study_of: Callable[..., LoadedStudy]) -> LoadedStudy:
    """At minute 6 of ten trials: six of 2 minutes each ended, two are halfway through."""
    ended = [make_timed(i, 2 * (i // 2), 2 * (i // 2) + 2) for i in range(6)]
    running = [make_timed(i, 5, epochs=2) for i in (6, 7)]
    return study_of([*ended, *running], trials=10, epochs=4)
