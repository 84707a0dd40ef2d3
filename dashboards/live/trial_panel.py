"""One trial: configuration, curves, masks, replicates, confirmation, and how to run it again."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.picture import Columns, Picture
from dashboards.elements.theme import Theme
from dashboards.live.address import Address
from dashboards.live.aria import aria
from dashboards.live.blocks import command_block, picture_block, table_block
from dashboards.scene import Scene
from dashboards.view_tables import ViewTable, named_table
from dashboards.views import TRIAL_PICTURES
from study.results.front_table import format_metric, format_parameter
from study.results.layer_result import network_name
from study.results.mlflow.live_reader import FollowedStudy
from study.results.mlflow.study_note import runs_address
from study.results.plural import counted
from study.results.precision_recall import PrecisionRecall
from study.results.rerun_command import rerun_command
from study.results.run_record import RunRecord

Curves = Callable[[str, RunRecord], tuple[PrecisionRecall, ...] | None]
"""Finds the precision-recall curves of a trial by the name of its study; None without any."""


def trial_panel(
    scene: Scene,
    followed: FollowedStudy,
    address: Address,
    theme: Theme,
    tracking_uri: str,
    curves: Curves,
) -> Component:
    """The trial that the address opens.

    Args:
        scene: Scene that the page is drawn from.
        followed: The study, and where the tracker keeps its runs.
        address: Address of the page.
        theme: Theme of the paper.
        tracking_uri: Without passwords.
        curves: Finds the precision-recall curves of a trial.

    Raises:
        ValueError: The study has no trial of that number.
    """
    record = find_trial(scene, address)
    found = curves(scene.study.info.name, record)
    return html.Aside(
        [
            html.Div(
                [
                    html.H2(f"Trial {record.number}", id="trial-title"),
                    html.Button("Close", id={"action": "close"}, type="button"),
                ],
                className="panel-title",
            ),
            html.P(_state(record)),
            *_reasons("Earlier attempts broke off", record.retried),
            *_reasons("A slower path", record.fallbacks),
            html.H3("Run it again"),
            command_block(
                rerun_command(scene.study.info.name, record.number, scene.study.info, tracking_uri)
            ),
            *_run(record, followed, tracking_uri),
            *_detections(scene.study.info.name, record, found),
            *(
                picture_block(picture, address, theme)
                for picture in trial_pictures(scene, record, found)
            ),
            *_replicates(record),
            *_confirmed(scene, record),
            html.H3("Metrics"),
            _facts({k: format_metric(k, v) for k, v in record.metrics().items()}),
            *_configuration(scene, record),
        ],
        className="panel",
        **aria(labelledby="trial-title"),
    )


def find_trial(scene: Scene, address: Address) -> RunRecord:
    """The trial that the address opens.

    Raises:
        ValueError: The study has no trial of that number.
    """
    for record in scene.study.records:
        if record.number == address.trial:
            return record
    last = max((record.number for record in scene.study.records), default=None)
    known = "has no trial yet" if last is None else f"has trials 0 to {last}"
    raise ValueError(f"study {scene.study.info.name!r} {known}, and no trial {address.trial}")


def trial_pictures(
    scene: Scene, record: RunRecord, curves: tuple[PrecisionRecall, ...] | None
) -> tuple[Picture, ...]:
    """Its curves, its masks and those of its task, under names of their own."""
    opened = replace(scene, opened=record, curves=curves)
    return tuple(entry.draw(opened) for entry in TRIAL_PICTURES if entry.is_of(record.task))


def _detections(
    study: str, record: RunRecord, curves: tuple[PrecisionRecall, ...] | None
) -> Iterator[Component]:
    """Yield a picture of what a detector finds, where it was kept."""
    if curves is None:
        return
    known = [(curve.name, curve.ap_50) for curve in curves if curve.ap_50 is not None]
    found = ", ".join(f"{name} {value:.3f}" for name, value in known)
    source = f"detections/{quote(study, safe='')}/{record.number}.png"
    alt = f"Validation images with found and annotated boxes; average precision: {found}"
    yield html.Figure(
        [
            html.Figcaption(
                [
                    html.H2("Objects found on validation images"),
                    html.P(
                        "Solid: found, with class and score. Dashed: annotated. A click opens it "
                        "in full size."
                    ),
                ]
            ),
            html.A(
                html.Img(src=source, alt=alt, className="detections"), href=source, target="_blank"
            ),
        ]
    )


def _state(record: RunRecord) -> str:
    on = f" on {record.device}" if record.device else ""
    by = f", worker {record.worker}" if record.worker else ""
    why = f": {record.reason}" if record.reason else ""
    after = counted(max(map(len, record.replicates), default=0), "epoch")
    return f"{record.state.words.capitalize()} after {after}{on}{by}{why}"


def _reasons(title: str, reasons: Sequence[str]) -> Iterator[Component]:
    if reasons:
        yield html.H3(title)
        yield html.Ul([html.Li(reason) for reason in reasons])


def _run(record: RunRecord, followed: FollowedStudy, tracking_uri: str) -> Iterator[Component]:
    run_id = followed.run_ids.get(record.number)
    if run_id is None:
        return
    yield html.H3("In MLflow")
    if tracking_uri.startswith(("http://", "https://")):
        runs = runs_address(tracking_uri, followed.experiment_id)
        address = runs.replace("?", f"/{run_id}?")
        link: dict[str, Any] = {"target": "_blank", "rel": "noreferrer"}
        yield html.P(
            [
                html.A(f"run {run_id}", href=address, **link),
                ", ",
                html.A("all runs of the study", href=runs, **link),
            ]
        )
    else:
        yield html.P(f"Run {run_id}. No server is known for this tracker; one is started by:")
        yield command_block(shlex.join(["mlflow", "ui", "--backend-store-uri", tracking_uri]))


def _replicates(record: RunRecord) -> Iterator[Component]:
    if len(record.replicates) < 2:
        return
    first = record.parameters.get("seed")
    ends = [(place, curve[-1]) for place, curve in enumerate(record.replicates) if curve]
    columns: Columns = {
        "seed": [first + place if isinstance(first, int) else place for place, _ in ends],
        record.task.validated: [end.merit for _, end in ends],
        "train_loss": [end.train_loss for _, end in ends],
    }
    headers = ("seed", f"validation {record.task.label}", "training loss")
    named = dict(zip(columns, headers, strict=True))
    yield table_block(ViewTable("replicates", "Replicates", named, columns))


def _confirmed(scene: Scene, record: RunRecord) -> Iterator[Component]:
    runs = [run for run in scene.study.confirmed if run.trial == record.number]
    if not runs:
        return
    columns: Columns = {
        "layer": [*map(network_name, runs)],
        "seed": [str(run.seed) for run in runs],
        "state": [run.state.value for run in runs],
        record.task.tested: [run.result.merit if run.result else None for run in runs],
    }
    yield table_block(named_table("confirmed", "Confirmation with fresh seeds", columns))


def _configuration(scene: Scene, record: RunRecord) -> Iterator[Component]:
    """Yield the settings that the study searches, and folded the others."""
    searched = [quantity.name for quantity in complete_trials(scene.study).searched]
    facts = {name: format_parameter(value) for name, value in record.parameters.items()}
    yield html.H3("Configuration")
    yield _facts({name: facts.pop(name) for name in searched if name in facts})
    alike = counted(len(facts), "setting")
    yield html.Details([html.Summary(f"{alike} that no trial varies, and seeds"), _facts(facts)])


def _facts(facts: dict[str, str]) -> Component:
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(text)]) for name, text in facts.items()],
        className="facts",
    )
