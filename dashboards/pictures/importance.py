"""Importance of settings for each objective, as Optuna measures it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import describe_trials
from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.quantity import Quantity
from dashboards.elements.series import shortened
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.objective_importance import (
    FANOVA_TRIALS,
    FEWEST_TRIALS,
    SEED,
    TRIALS_PER_SETTING,
    ImportanceBar,
    ObjectiveImportance,
    evaluate_importance,
)
from dashboards.pictures.optuna_trials import FANOVA_DEPTH, FANOVA_TREES
from dashboards.view_options import Evaluator
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted

_METHODS = {
    "ped_anova": (
        "PED-ANOVA: how far a setting's values in the best tenth of the trials differ from those "
        "in all of them"
    ),
    "fanova": (
        "fANOVA: how much of the objective's variance each setting explains by itself, averaged "
        f"evenly over the others' ranges, by {FANOVA_TREES} trees of depth {FANOVA_DEPTH}"
    ),
}
_ROW_PIXELS, _FRAME_PIXELS = 24, 130


@dataclass(frozen=True, kw_only=True)
class ImportanceInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        evaluator: Optuna's.
        objectives: Objectives in the study's order.
    """

    evaluator: Evaluator
    objectives: tuple[ObjectiveImportance, ...]


def get_importance_info(
    study: LoadedStudy, *, evaluator: Evaluator = "ped_anova", limit: int = FANOVA_TRIALS
) -> ImportanceInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        evaluator: PED-ANOVA looks at all complete trials, fANOVA at a sample.
        limit: Most trials of that sample, which is the same one each time.
    """
    objectives = evaluate_importance(
        complete_trials(study),
        study.info.objectives,
        evaluator,
        limit=limit if evaluator == "fanova" else None,
    )
    return ImportanceInfo(
        title=f"What matters for each objective: {study.info.name}",
        common=(describe_trials(study.info, study.records),),
        sentences=tuple(_sentences(objectives, evaluator)),
        description=_description(objectives),
        instead=_message(study, objectives),
        evaluator=evaluator,
        objectives=objectives,
    )


def get_importance_figure(info: ImportanceInfo) -> go.Figure:
    """Draw it: a block of bars under the name of each objective."""
    figure = theme.new_figure()
    rows: list[_Row] = []
    place = 0.0
    for importance in info.objectives:
        figure.add_annotation(
            text=f"<b>{theme.escape(_heading(importance))}</b>",
            x=0,
            y=place,
            xanchor="left",
            showarrow=False,
        )
        rows += [_Row(place + 1 + i, importance, bar) for i, bar in enumerate(importance.bars)]
        place += len(importance.bars) + 1.5
    for is_trusted in (True, False):
        figure.add_trace(_trace([r for r in rows if r.of.is_trusted is is_trusted], is_trusted))
    return figure.update_layout(
        height=round(_FRAME_PIXELS + _ROW_PIXELS * place),
        bargap=0.25,
        xaxis={
            "title": {"text": "Importance (share of the objective's sum)"},
            # Room for the texts.
            "range": [0, 1.2 * max(row.bar.importance for row in rows)],
        },
        yaxis={
            "range": [place - 0.5, -0.7],
            "tickvals": [row.place for row in rows],
            "ticktext": [
                theme.escape(theme.capitalised(shortened(row.bar.setting.short))) for row in rows
            ],
            "ticks": "",
            "showgrid": False,
            "fixedrange": True,
        },
    )


def _columns(info: ImportanceInfo) -> Columns:
    rows = [(importance, bar) for importance in info.objectives for bar in importance.bars]
    return {
        "objective": [importance.objective.name for importance, _ in rows],
        "setting": [bar.setting.name for _, bar in rows],
        "importance": [bar.importance for _, bar in rows],
        "evaluator": [info.evaluator for _ in rows],
        "trials": [importance.trials for importance, _ in rows],
        "is_trusted": [importance.is_trusted for importance, _ in rows],
    }


class _Row(NamedTuple):
    """A bar and its place, counted in rows from the top."""

    place: float
    of: ObjectiveImportance
    bar: ImportanceBar


def _message(study: LoadedStudy, objectives: Sequence[ObjectiveImportance]) -> str:
    if any(importance.bars for importance in objectives):
        return ""
    complete = complete_trials(study)
    if len(complete.numbers) < 2:
        return "Importance needs at least two complete trials: wait, or run more."
    if not complete.searched:
        return "All trials have the same settings: search one of them to see what it does."
    return "No setting makes a difference that can be measured: run more trials."


def _heading(importance: ObjectiveImportance) -> str:
    name = theme.capitalised(importance.objective.short)
    return f"{name} ({importance.note or f'n = {importance.trials}'})"


def _trace(rows: list[_Row], is_trusted: bool) -> go.Bar:
    marker: dict[str, object] = {"color": palette.BLUE}
    if not is_trusted:
        marker = {
            "color": palette.GREY,
            "pattern": {"shape": "/", "fillmode": "overlay", "size": 6, "solidity": 0.4},
        }
    return go.Bar(
        x=[row.bar.importance for row in rows],
        y=[row.place for row in rows],
        orientation="h",
        marker=marker,
        name="enough trials" if is_trusted else "too few trials to be trusted",
        showlegend=bool(rows) and not is_trusted,
        text=[_digits(row.of, row.bar).strip() for row in rows],
        textposition="outside",
        cliponaxis=False,
        hovertext=[theme.escape(_hover(row)) for row in rows],
        hoverinfo="text",
    )


def _digits(importance: ObjectiveImportance, bar: ImportanceBar) -> str:
    """Write the length of a bar; of one that is not to be trusted, digits would be believed."""
    return f" {bar.importance:.2f}" if importance.is_trusted else ""


def _hover(row: _Row) -> str:
    trials = counted(row.of.trials, "trial")
    if not row.of.is_trusted:
        return f"{row.bar.setting.label}: {trials}, too few to say how much it matters"
    what = f"{row.bar.importance:.4f} of what matters for {row.of.objective.short}"
    return f"{row.bar.setting.label}: {what}, {trials}"


def _sentences(objectives: Sequence[ObjectiveImportance], evaluator: Evaluator) -> list[str]:
    sentences = [f"{_METHODS[evaluator]}."]
    sampled = next((o for o in objectives if o.trials < o.of), None)
    if sampled is not None:
        sentences.append(
            f"Of {sampled.trials} of the {sampled.of} complete trials, drawn with seed {SEED}."
        )
    else:
        sentences.append("Complete trials only.")
    if any(o.bars and not o.is_trusted for o in objectives):
        sentences.append(
            f"Hatched bars are not to be trusted: fewer than {TRIALS_PER_SETTING} trials for each "
            f"setting, or than {FEWEST_TRIALS} at all."
        )
    sentences += _left_out(objectives, evaluator)
    formulas = [o.objective.short for o in objectives if o.objective.known_before_training]
    if formulas:
        sentences.append(
            f"A formula of the sizes gives {' and '.join(formulas)}: there, importance tells which "
            "sizes were tried."
        )
    sentences.append("Importance has no direction, and adds up to 1 even where nothing matters.")
    return sentences


def _left_out(objectives: Sequence[ObjectiveImportance], evaluator: Evaluator) -> list[str]:
    """Name what is not drawn, and why."""
    if not any(importance.bars for importance in objectives):
        return []
    sentences = []
    constant = _names(setting for o in objectives for setting in o.constant)
    if constant:
        sentences.append(f"Not assessed, as complete trials hold one value of it: {constant}.")
    conditional = _names(setting for o in objectives for setting in o.conditional)
    crowded = _names(setting for o in objectives for setting in o.crowded)
    if conditional and evaluator == "fanova":
        sentences.append(f"Not assessed by fANOVA, as some trials do not have it: {conditional}.")
    elif conditional:
        sentences.append(f"Assessed among the trials that have it: {conditional}.")
    if crowded and evaluator == "fanova":
        sentences.append(f"Not assessed by fANOVA, as it has too many names: {crowded}.")
    sentences += [f"No bars for {o.objective.short}: {o.note}." for o in objectives if not o.bars]
    return sentences


def _names(settings: Iterable[Quantity]) -> str:
    return ", ".join(dict.fromkeys(setting.short for setting in settings))


def _description(objectives: Sequence[ObjectiveImportance]) -> str:
    lines = []
    for importance in objectives:
        name = importance.objective.short
        weak = "" if importance.is_trusted or importance.note else ", not to be trusted"
        bars = ", ".join(
            f"{bar.setting.short}{_digits(importance, bar)}" for bar in importance.bars[:5]
        )
        lines.append(f"{name}{weak}: {bars or importance.note}")
    return f"Horizontal bars, the longest first. {'; '.join(lines)}."


IMPORTANCE = PictureEntry(
    name="importance",
    views=("matters",),
    options=("evaluator",),
    info=lambda scene: get_importance_info(scene.study, evaluator=scene.options.evaluator),
    figure=get_importance_figure,
    columns=_columns,
)
