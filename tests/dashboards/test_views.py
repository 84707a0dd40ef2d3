"""The contract that every picture of every view keeps, for studies of all sorts."""

import json
import math
import re
from dataclasses import replace

import pyarrow as pa
import pytest

from dashboards.elements import theme
from dashboards.live.address import Address
from dashboards.live.content import view_content
from dashboards.live.trial_panel import trial_pictures
from dashboards.page.study_page import study_page
from dashboards.scene import Scene
from dashboards.view_options import OPTIONS, ViewOptions
from dashboards.views import ENTRIES, PICTURES, VIEWS
from pnn_core.config import DETECTION
from study.results.objective import OBJECTIVES
from study.results.precision_recall import PrecisionRecall
from study.results.run_record import RunKey, RunRecord, RunState

NO_TRIAL = {"key": RunKey(0), "state": RunState.RUNNING, "parameters": {}}
MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'

CURVES = tuple(
    PrecisionRecall(
        name=name, objects=3, ap_50=0.4, ap_50_area=0.5, recall=(0.1, 0.7), precision=(1.0, 0.5)
    )
    for name in ("cell", MARKUP)
)
"""Curves of an opened trial, if it is a detector's."""


@pytest.fixture(
    scope="module",
    params=[
        "usual",
        "none",
        "one",
        "two",
        "many",
        "failed",
        "unfinished",
        "confirmed",
        "alike",
        "undefined",
        "markup",
        "stopped",
        "many objectives",
    ],
)
def study(request, make_trial, make_grid, make_runs, study_of):
    match request.param:
        case "usual":
            return study_of(make_grid())
        case "none":
            return study_of([])
        case "one":
            return study_of([make_trial(0)])
        case "two":
            return study_of([make_trial(0), make_trial(1, 0.6, 2000, noise_level=0.5)])
        case "many":
            return study_of(make_grid(300))
        case "unfinished":
            states = (RunState.RUNNING, RunState.PAUSED, RunState.PRUNED, RunState.FAILED)
            records = [make_trial(n, 0.1 * n, state=state) for n, state in enumerate(states)]
            return study_of([*records, replace(records[0], key=RunKey(4), replicates=())])
        case "confirmed":
            runs = [*make_runs([0.9, 0.91, None]), *make_runs([0.8], layer="conv1x1")]
            return replace(study_of(make_grid(), dataset="cifar10"), confirmed=tuple(runs))
        case "failed":
            return study_of([make_trial(n, state=RunState.FAILED) for n in range(3)])
        case "alike":
            return study_of([make_trial(n) for n in range(5)])
        case "undefined":
            values = (math.nan, math.inf, -math.inf, 0.5, 0.6)
            return study_of(
                [make_trial(n, v, loss=v, noise_level=0.1 * n) for n, v in enumerate(values)]
            )
        case "markup":
            records = [
                make_trial(n, 0.1 * n, 100 * (n + 1), order=(MARKUP, "other")[n % 2])
                for n in range(6)
            ]
            return study_of(records, name=MARKUP, dataset=MARKUP, space=MARKUP)
        case "stopped":
            stopped = make_trial(12, 0.9, state=RunState.PRUNED)
            records = [*make_grid(), replace(stopped, reason=f"stopped at epoch 1: {MARKUP}")]
            rungs = {"scheduler": "moasha", "rungs": (1, 3), "reduction_factor": 3}
            return study_of(records, epochs=9, **rungs)
        case _:
            return study_of(make_grid(), objectives=",".join(OBJECTIVES))


def is_of_a_trial(entry):
    return entry.needs == "one trial"


def scene_of(*studies, **options):
    return Scene(
        studies=studies,
        options=ViewOptions(**options),
        selected=None,
        now_ms=1_800_000_000_000,
        curves=CURVES,
    )


def test_a_scene_without_a_study_asks_for_one():
    with pytest.raises(ValueError, match="choose at least one study"):
        scene_of()


@pytest.fixture(scope="module", params=ENTRIES, ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture(scope="module")
def picture(entry, study):
    """The picture of a study, drawn once for all that only look at it."""
    opened = study.records[0] if study.records else RunRecord(**NO_TRIAL)
    return entry.draw(replace(scene_of(study), opened=opened if is_of_a_trial(entry) else None))


@pytest.fixture(scope="module")
def sent(picture):
    """The figure as a page receives it."""
    return json.loads(picture.figure.to_json())


def test_it_has_words_and_the_name_by_which_it_is_asked_for(picture, entry):
    assert picture.name == entry.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
    assert picture.title
    assert picture.caption or is_of_a_trial(entry)
    assert picture.description


def test_it_is_of_a_view_or_of_a_trial(entry):
    assert bool(entry.views) != (is_of_a_trial(entry))
    assert {*entry.views} <= {*VIEWS}
    assert {*entry.options} <= {*OPTIONS}
    assert [other.name for other in ENTRIES].count(entry.name) == 1


def test_it_joins_the_live_page_and_the_exported_one(entry, make_grid, study_of):
    studies = (study_of(make_grid()), study_of(make_grid(), "b"))
    for name in entry.views:
        content = view_content(scene_of(*studies), Address(view=name), theme.Theme.DARK)
        assert entry.name in [block.key for block in content.pictures[1:]]
    if is_of_a_trial(entry):
        record = studies[0].records[0]
        if entry.task == DETECTION:
            record = replace(record, parameters={**record.parameters, "canvas": 64})
        drawn = trial_pictures(scene_of(*studies), record, None)
        assert entry.name in [picture.name for picture in drawn]
    else:
        assert f"id='{entry.views[0]}-{entry.name}'" in study_page(scene_of(*studies))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_it_is_drawn_of_any_number_of_studies(entry, count, make_grid, make_runs, study_of):
    timed = [replace(r, started_ms=1000 * r.number, ended_ms=2000 * r.number) for r in make_grid()]
    rungs = {"scheduler": "moasha", "rungs": (1, 3), "reduction_factor": 3, "epochs": 9}
    pair = [*make_runs([0.9]), *make_runs([0.8], layer="conv1x1")]
    studies = [
        replace(study_of(timed, f"noise-{i}", seed=i, **rungs), confirmed=tuple(pair))
        for i in range(count)
    ]
    picture = entry.draw(replace(scene_of(*studies), opened=studies[0].records[1]))
    assert picture.figure.data
    assert all(picture.data.values())


@pytest.mark.parametrize("paper", theme.Theme)
def test_it_is_drawn_on_light_and_on_dark_paper(entry, paper, make_grid, study_of):
    """Ink and paper come from the template: nothing else of the figure names either of them."""
    scene = scene_of(study_of(make_grid()))
    figure = entry.draw(replace(scene, opened=scene.study.records[1])).figure
    figure.layout.template = None
    if entry.name == "trial-masks":  # images, black to white on any paper
        figure.update_traces(colorscale=None)
    template = theme.template(paper)
    ink, ground = template.layout.font.color, template.layout.paper_bgcolor
    assert not {ink, ground} & {*_strings(json.loads(figure.to_json()))}


def test_its_data_are_a_table(picture):
    table = pa.table({name: list(column) for name, column in picture.data.items()})
    assert table.num_columns == len(picture.data)


def test_it_shows_something_or_says_why_not(picture):
    figure = picture.figure
    drawn = [trace for trace in figure.data if trace.visible is not False]
    assert drawn or any(note.text for note in figure.layout.annotations)
    assert not figure.layout.title.text


def test_it_can_be_sent_and_names_neither_ink_nor_paper(sent):
    layout = sent["layout"]
    assert (
        layout["template"]["layout"]
        == json.loads(theme.template(theme.Theme.LIGHT).to_json())["layout"]
    )
    assert "paper_bgcolor" not in layout
    assert "plot_bgcolor" not in layout


def test_names_from_elsewhere_are_escaped_wherever_plotly_reads_markup(sent):
    for text in _strings(sent):
        assert "<script" not in text
        assert "<img" not in text


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


@pytest.mark.parametrize("name", PICTURES)
def test_axes_are_named_and_those_of_a_brush_are_two(name, make_grid, study_of):
    picture = PICTURES[name].draw(scene_of(study_of(make_grid()), study_of(make_grid(), "b")))
    assert len(picture.brushes) in (0, 2)
    for axis in (*picture.figure.select_xaxes(), *picture.figure.select_yaxes()):
        hidden = axis.visible is False or axis.showticklabels is False or axis.matches
        assert (
            axis.title.text
            or hidden
            or name in ("importance", "timeline", "cost", "parallel", "differences")
        )


def test_a_box_on_the_front_means_no_names(make_grid, study_of):
    study = study_of(make_grid())
    front = PICTURES["front"].draw(scene_of(study, x="layer"))
    assert front.brushes == ("", "val_accuracy")
    assert PICTURES["front"].draw(scene_of(study)).brushes == ("learnable_params", "val_accuracy")


def test_a_trial_that_was_stopped_is_never_on_the_front(make_trial, study_of):
    """However good it looked: its values after some epochs are not what it would have come to."""
    stopped = make_trial(1, 0.99, 10, state=RunState.PRUNED)
    study = study_of([make_trial(0, 0.5, 1000), stopped])
    for name in ("front", "fronts", "attainment", "hypervolume", "cost"):
        data = PICTURES[name].draw(scene_of(study)).data
        assert 1 not in data.get("trial", ())
    assert PICTURES["front"].draw(scene_of(study)).data["trial"] == [0]
    assert "1 stopped early" in PICTURES["front"].draw(scene_of(study)).caption


def test_every_option_is_a_control_of_some_view():
    controls = {name for view in VIEWS.values() for name in view.options}
    assert controls == set(ViewOptions.__dataclass_fields__) - {"within"}


def test_scales_are_chosen_in_space_as_on_the_plane(make_grid, study_of):
    study = study_of(make_grid())
    for scale, kind in (("yes", "log"), ("no", None)):
        chosen = {"x": "macs", "y": "learnable_params", "log_x": scale == "yes"}
        scene = scene_of(study, z="val_accuracy", **chosen, log_y=scale == "yes")
        space = PICTURES["front"].draw(scene).figure.layout.scene
        assert (space.xaxis.type, space.yaxis.type) == (kind, kind)


def test_a_third_axis_draws_the_front_in_space(make_grid, study_of):
    picture = PICTURES["front"].draw(scene_of(study_of(make_grid()), z="macs"))
    assert {trace.type for trace in picture.figure.data} == {"scatter3d"}
    assert picture.name == "front"
