"""Content of a view."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from dash import html
from dash.development.base_component import Component

from dashboards.elements.axes import choose_axes
from dashboards.elements.caption import common_sentences, seal_sentences
from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.front_trials import usual_colour
from dashboards.elements.quantity import find_quantity
from dashboards.elements.theme import Theme
from dashboards.live.address import Address
from dashboards.live.aria import aria
from dashboards.live.blocks import caption, message_block, picture_block, table_block
from dashboards.live.selectors import controls, quick_filter
from dashboards.pictures.paired import get_paired_columns, get_paired_info
from dashboards.pictures.status import StatusInfo, get_status_info
from dashboards.pictures.stops import get_stops_columns, get_stops_info
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.view_tables import front_table, named_table, trials_table
from dashboards.views import VIEWS
from study.results.plural import counted


class Content(NamedTuple):
    """A view, in parts that are drawn anew one without the others.

    Attributes:
        choices: Its question, and what a reader can choose.
        state: The brush, and where the study stands.
        pictures: Drawn where they are asked for.
        below: Tables, and what could not be read.
    """

    choices: list[Component]
    state: list[Component]
    pictures: list[Component] | None
    below: list[Component]


def view_content(
    scene: Scene, address: Address, theme: Theme, *, with_pictures: bool = True
) -> Content:
    """Return what a view shows.

    Args:
        scene: Scene that it is drawn from.
        address: Address of the page.
        theme: Theme of the paper.
        with_pictures: True to draw the pictures, which takes long.
    """
    view = VIEWS[address.view]
    pictures = view.pictures_of(scene.study.info.task) if with_pictures else ()
    found = [entry.draw(scene) for entry in pictures]
    drawn = [picture_block(picture, address, theme) for picture in found]
    # In the progress, the status says it above.
    common = [] if address.view == "progress" else common_sentences(found)
    return Content(
        choices=[
            html.P(view.question_for(scene.study.info.task), className="question"),
            controls(
                view,
                address.options,
                complete_trials(scene.study).searched,
                _defaults(scene),
                scene.study.info.task,
                [quick_filter("trials")] if address.view == "trials" else [],
            ),
        ],
        state=[
            *map(html.P, seal_sentences(scene.studies)),
            *_brush(scene),
            *(_status(scene) if address.view == "progress" else ()),
        ],
        pictures=[html.P(" ".join(common), className="common"), *drawn] if with_pictures else None,
        below=[*_tables(scene, address), *_unreadable(scene)],
    )


def _defaults(scene: Scene) -> dict[str, str]:
    """Name what each choice shows where the reader has chosen nothing."""
    by_default = replace(scene, options=ViewOptions())
    first, second = by_default.two_settings("noise_level", "mask_count")
    y, x = choose_axes(scene.study, (scene.quantity("y"), scene.quantity("x")))
    axes = dict(zip(("y", "x"), choose_axes(scene.study, (None, None)), strict=True))
    colour = usual_colour(complete_trials(scene.study))
    scales = {"log_x": x, "log_y": y}
    return {
        **{name: axis.short for name, axis in axes.items()},
        **{n: "logarithmic" if axis.spans_decades else "linear" for n, axis in scales.items()},
        "colour": colour.short if colour else "none",
        "parameter": first.short,
        "second": second.short,
    }


def _brush(scene: Scene) -> Iterator[Component]:
    """Number of trials that the brush left, and a way back to all of them."""
    if scene.selected is None:
        return
    spans = [
        f"{find_quantity(span.name, scene.study.records).short} "
        f"{_bound(span.low)} to {_bound(span.high)}"
        for span in scene.options.within
    ]
    if where := scene.options.where.strip():
        spans.append(where)
    yield html.Div(
        [
            html.Span(
                f"{counted(len(scene.selected), 'trial')} within {'; '.join(spans)}. What sums up "
                "trials, such as means, shares and counts, stays that of all. "
            ),
            html.Button("Show all trials", id={"action": "clear"}, type="button"),
        ],
        className="brush",
        role="status",
    )


def _bound(value: float) -> str:
    """An end of a brush: none that a trial has, so as exact as a reader needs."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _tables(scene: Scene, address: Address) -> Iterator[Component]:
    if address.view == "front":
        yield table_block(front_table(scene))
    if address.view == "trials":
        yield table_block(trials_table(scene))
    if address.view == "compare":
        info = get_paired_info(scene.studies)
        yield html.Section([html.H2(info.title), *caption(info.sentences)])
        if info.instead:
            yield message_block("Nothing to compare yet", info.instead)
        else:
            yield table_block(named_table("paired", "Differences", get_paired_columns(info)))
    if address.view == "progress":
        stops = get_stops_info(scene.study)
        if stops.stops:
            yield table_block(named_table("stops", stops.title, get_stops_columns(stops)))


def _status(scene: Scene) -> Iterator[Component]:
    """State of the study, in words."""
    info = get_status_info(scene.study, now_ms=scene.now_ms)
    counts = {
        "complete": info.complete,
        "running": info.running,
        "paused": info.paused,
        "stopped early": info.pruned,
        "failed": info.failed,
        "waiting": info.waiting,
    }
    yield html.Section(
        [
            html.H2(info.title),
            html.P(info.caption),
            html.Progress(
                value=str(info.complete + info.pruned + info.failed),
                max=str(max(info.asked, 1)),
                **aria(label="Trials ended"),
            ),
            html.Dl(
                [
                    html.Div([html.Dt(state), html.Dd(f"{count:,}")], className=state.split()[0])
                    for state, count in counts.items()
                    if count or state in ("complete", "running", "failed")
                ],
                className="counts",
            ),
            *(html.P(text) for text in _sentences(info)),
            *_list("Trials without a sign of life", [trial.text for trial in info.silent]),
            *_list("Why trials failed or were stopped", info.reasons),
            *_list("Why attempts were repeated", info.retried),
            *_list("Trials on a slower path", info.fallbacks),
        ],
        className="status",
    )


def _sentences(info: StatusInfo) -> list[str]:
    texts = (info.pace, info.best, info.confirmation)
    return [text for text in texts if text]


def _list(title: str, texts: Sequence[str]) -> Iterator[Component]:
    if texts:
        yield html.H3(title)
        yield html.Ul([html.Li(text) for text in texts])


def _unreadable(scene: Scene) -> Iterator[Component]:
    runs = scene.study.undecodable
    if runs:
        yield html.Details(
            [
                html.Summary(f"{counted(len(runs), 'run')} of this experiment cannot be read"),
                html.Ul([html.Li(f"run {run.run_id}: {run.reason}") for run in runs[:100]]),
            ]
        )
