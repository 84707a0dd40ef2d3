"""Forms of a page by which its reader acts: `assets/actions.js` sends what they hold."""

import time
from collections.abc import Iterator
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboards.live.aria import aria
from study.results.mlflow.live_reader import FollowedStudy
from study.results.run_record import RunRecord, RunState
from study.results.study_request import Action, StudyControl

_READING_ALONE = (
    "To pause, stop, enqueue or take notes, open the address with a token that dashboards.app "
    "printed when it started."
)


def study_actions(followed: FollowedStudy) -> Component:
    """Return what can be asked of a study, and its note and tags."""
    info, control = followed.study.info, followed.control
    asked = [] if not followed.is_running else [_buttons(control), *_enqueue(followed)]
    notes = html.Details([html.Summary("Note and tags"), *_annotation("study")])
    return html.Section(
        [
            html.H2("Act on this study"),
            html.P(_READING_ALONE, className="without-token"),
            html.Div([*asked, notes], className="with-token"),
            html.P(className="said", role="status"),
        ],
        className="act",
        **_data(study=info.name),
    )


def trial_actions(followed: FollowedStudy, record: RunRecord) -> Component:
    """Return what can be asked of a trial, and its note and tags."""
    trains = followed.is_running and record.state is RunState.RUNNING
    stop = _button(Action.STOP_TRIAL, "Stop this trial", confirm="It is not taken up again.")
    return html.Aside(
        [
            html.H3("Note and tags"),
            html.P(_READING_ALONE, className="without-token"),
            html.Div(
                [*([stop] if trains else []), *_annotation(f"trial {record.number}")],
                className="with-token",
            ),
            html.P(className="said", role="status"),
        ],
        className="act",
        **aria(label=f"Note and tags of trial {record.number}"),
        **_data(study=followed.study.info.name, trial=str(record.number)),
    )


def _buttons(control: StudyControl) -> Component:
    held = control.is_paused
    resume = _button(Action.CONTINUE, "Continue")
    pause = _button(Action.PAUSE, "Pause")
    stop = _button(Action.STOP, "Stop the study", confirm="It saves its runs; --resume goes on.")
    state = "Paused: no run begins, and running ones go on to their end. " if held else ""
    return html.P([state, resume if held else pause, " ", stop])


def _enqueue(followed: FollowedStudy) -> Iterator[Component]:
    searched = _example(followed)
    yield html.Label(["Try next ", _field("point", f"such as {searched}", rows=1)])
    yield html.P(_button(Action.ENQUEUE, "Enqueue this point"))


def _example(followed: FollowedStudy) -> str:
    """Return settings of a trial that has one, as they are typed."""
    names = ("mask_count", "noise_level")
    for record in followed.study.records[:1]:
        values = {name: record.parameters.get(name) for name in names}
        shown = {name: value for name, value in values.items() if isinstance(value, int | float)}
        if shown:
            return ",".join(f"{name}={value:.3g}" for name, value in shown.items())
    return "mask_count=32,noise_level=0.1"


def _annotation(of: str) -> Iterator[Component]:
    yield html.Label([f"Note on the {of}" if of == "study" else f"Note on {of}", _field("note")])
    yield html.Label(["Tags, one NAME=VALUE a line", _field("tags", rows=2)])
    yield html.P(_button("annotate", "Keep note and tags"))


def told_requests(control: StudyControl) -> list[Component]:
    """List requests that wait, and the latest answers; nothing where nothing was asked."""
    lines = [f"{request}: waits for the study's answer" for request in control.waiting]
    for answer in reversed(control.answers):
        at = time.strftime("%H:%M:%S", time.localtime(answer.at_ms / 1000))
        lines.append(f"{at} {answer.asked}: {answer.said}")
    if not lines:
        return []
    return [html.Section([html.H3("Asked from a page"), html.Ul([*map(html.Li, lines)])])]


def _button(action: str, text: str, confirm: str = "") -> Component:
    return html.Button(text, type="button", **_data(act=action, confirm=confirm))


def _field(name: str, placeholder: str = "", rows: int = 3) -> Component:
    return html.Textarea(
        rows=rows, placeholder=placeholder, spellCheck="false", **_data(field=name)
    )


def _data(**values: str) -> Any:  # noqa: ANN401  # Dash's components know these names by no type
    """Return `data-` attributes as arguments of a component."""
    return {f"data-{name}": value for name, value in values.items()}
