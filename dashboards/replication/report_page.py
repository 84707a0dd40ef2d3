"""The replication report as one page."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements.html_text import bullets, heading, paragraph
from dashboards.elements.picture import Picture, PictureInfo
from dashboards.page.document import document, picture_html
from dashboards.pictures.differences import DIFFERENCES, DifferencesInfo, get_differences_info
from dashboards.replication.budget import BudgetInfo, get_budget_info
from dashboards.replication.comparisons import (
    ComparisonsInfo,
    get_comparisons_info,
    get_confirmed_table,
)
from dashboards.replication.confirmed_front import (
    ConfirmedFrontInfo,
    get_confirmed_front_figure,
    get_confirmed_front_info,
)
from dashboards.replication.inflation import (
    InflationInfo,
    get_inflation_figure,
    get_inflation_info,
)
from dashboards.replication.markup import STYLE, Table, cell, folded, table_html
from dashboards.replication.reported_tables import (
    describe_defaults,
    get_reported_tables,
    has_run,
)
from dashboards.replication.table_7 import get_table_7
from pnn_core.config import CLASSIFICATION, DETECTION, TASKS, Task
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.whole_file import write_whole

_CONFIRMED = (
    "Confirmed: trials, those of the front if nothing else is said, were trained again with "
    "fresh seeds on train and validation images together. The test images are read in this step "
    "alone, and nothing is chosen by them."
)

_TESTED = {
    CLASSIFICATION: "They are classified after each epoch, for the published protocol's figure; "
    "the accuracy is correct over total after the last epoch.",
    DETECTION: "Detectors look at them once, after the last epoch: mean average precision at an "
    "IoU of 0.5, by the 11-point rule of PASCAL VOC 2007.",
}
"""By task, when the test images are looked at and what is measured."""

_INTERVALS = (
    "An interval tells how far the mean over other seeds may lie, on the same test images. It "
    "holds nothing about other test images, other epochs or other settings. Few seeds can agree "
    "by chance: an interval of no width is a spread below one test image, and no certainty.",
    "Picking the best of several confirmed trials by test images would be one more choice, made "
    "on the test set: its figure would then be too high.",
)

_PUBLISHED = (
    "Published protocol: S ← 0.7·S + 0.3·a over the test batches in order, partial batches "
    "dropped, S carried over epochs, the last S reported, the best epoch kept. It is computed from "
    "the same runs, only to show how far it lies above."
)

_REPORTED = (
    "A confirmed figure stands beside a reported one where data set, network, layer and every "
    "other setting but the epochs that was reported of the figure are the same. A figure of the "
    "paper, or one reported with one mask a channel, needs just that, each channel with a mask of "
    "its own. Small print lists every setting that "
    "departs from what the source says elsewhere (Section 5.3 of the paper; the code of both of "
    "the authors' repositories and of michaelklachko/pnn.pytorch, as this project's recipes read "
    f"it) or, where it is silent, from this project's defaults: {describe_defaults()}. What only "
    "another optimiser or first layer has is listed too.",
    "An image folder is matched with no reported figure: its name does not tell what it holds. "
    "imagenet100 is matched with Table 3 by its name alone: its classes are those of the user's "
    "folder, as the paper does not list its own.",
    "M. Klachko's code counted a batch's accuracy in integers where torch was older than 1.3: in "
    "batches of 16 each is rounded down, so that his figures of that batch size may be about 0.4 "
    "points low. In batches of 10 nothing is lost.",
    "Section 5.3 claims 3.1 times fewer parameters than ResNet-110 for Table 4's network. By this "
    "project's count PNN-ResNet-50 with 64 masks has 13,472,394, ResNet-110 1,727,962.",
    "Reported figures are one run each, without an interval. Table 7 of the paper (object "
    "detection) stands beside studies of voc2007 alone.",
    "Reported figures: Juefei-Xu et al., “Perturbative Neural Networks”, CVPR 2018; READMEs, "
    "notebooks and issues of juefeix/pnn.pytorch, juefeix/pnn.pytorch.update, "
    "michaelklachko/pnn.pytorch and elisim/Perturbative-Neural-Networks-CVPR18. In the "
    "repositories, masks a channel above 1 are read as so many for each of the named filters.",
)


class StudySection(NamedTuple):
    """One study's part of the page.

    Attributes:
        budget: Facts of what was run.
        comparisons: Sentences about the noise.
        differences: Picture of the comparisons.
        front: Its front with controls and reported points.
        confirmed: The same as a table.
        inflation: The published protocol's; None for a task without it.
    """

    budget: BudgetInfo
    comparisons: ComparisonsInfo
    differences: DifferencesInfo
    front: ConfirmedFrontInfo
    confirmed: Table
    inflation: InflationInfo | None


class ReportInfo(NamedTuple):
    """Everything that the page shows.

    Attributes:
        title: Title of the page, as plain text.
        sections: One for each study.
        reported: The paper's tables and the dispute's, with columns for each study.
        unmatched: Titles of those tables that no study ran a figure of.
        notes: How to read the page.
    """

    title: str
    sections: tuple[StudySection, ...]
    reported: tuple[Table, ...]
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]


def get_report_info(studies: Sequence[LoadedStudy]) -> ReportInfo:
    """Collect what the page shows.

    Args:
        studies: At least one, each with complete confirmed runs.
    """
    names = ", ".join(study.info.name for study in studies)
    table_7 = get_table_7(studies)
    tables = (*get_reported_tables(studies), *([table_7] if table_7 else []))
    return ReportInfo(
        title=f"Perturbative neural networks, reported and confirmed: {names}",
        sections=tuple(
            StudySection(
                budget=get_budget_info(study),
                comparisons=get_comparisons_info(study),
                differences=get_differences_info(study),
                front=get_confirmed_front_info(study),
                confirmed=get_confirmed_table(study),
                inflation=(get_inflation_info(study) if study.info.task.counts_images else None),
            )
            for study in studies
        ),
        reported=tuple(table for table in tables if has_run(table)),
        unmatched=tuple(table.title for table in tables if not has_run(table)),
        notes=_notes({study.info.task for study in studies}),
    )


def _notes(tasks: Collection[Task]) -> tuple[str, ...]:
    """Say how to read a page of studies of some tasks."""
    tested = [sentence for name, sentence in _TESTED.items() if TASKS[name] in tasks]
    published = any(task.counts_images for task in tasks)
    return (
        " ".join((_CONFIRMED, *tested)),
        *_INTERVALS,
        *((_PUBLISHED,) if published else ()),
        *_REPORTED,
    )


def write_report(path: Path, info: ReportInfo) -> None:
    """Write the page as one HTML file that needs no network.

    Args:
        path: Path of the file.
        info: Content of the page.

    Raises:
        OSError: The file cannot be written.
    """
    write_whole(path, document(info.title, _body(info), style=STYLE))


def _body(info: ReportInfo) -> Iterable[str]:
    yield heading(1, info.title)
    for number, section in enumerate(info.sections):
        yield from _section(section, f"study-{number}")
    yield heading(2, "Reported figures beside confirmed ones")
    yield from map(table_html, info.reported)
    if info.unmatched:
        yield paragraph(f"Nothing of these was run: {'; '.join(info.unmatched)}.")
    yield heading(2, "What was run, and how to read this page")
    yield table_html(_budget_table([section.budget for section in info.sections]))
    yield bullets(info.notes)


def _section(section: StudySection, anchor: str) -> Iterable[str]:
    """Answer first: the verdict, its picture, then the tables, then what weakens it."""
    comparisons, drawn = section.comparisons, DIFFERENCES.picture(section.differences)
    yield heading(2, f"Study {section.budget.name}: does the noise matter?")
    # Of the picture's sentences the first is the verdict: it stands above it, larger.
    verdict, *rest = drawn.sentences
    yield paragraph(f"{' '.join(drawn.common)} {comparisons.intro}")
    if comparisons.table is not None:
        yield paragraph(verdict, "verdict")
        yield picture_html(replace(drawn, sentences=tuple(rest)), anchor)
    front = _picture("confirmed", section.front, get_confirmed_front_figure(section.front))
    yield picture_html(front, anchor)
    if comparisons.table is not None:
        sentences = [*dict.fromkeys((*comparisons.trials, *comparisons.sentences))]
        yield folded("Every comparison in words", [bullets(sentences)])
        yield folded("What weakens all of them", map(paragraph, comparisons.cautions))
        yield table_html(comparisons.table)
    yield table_html(section.confirmed)
    if section.inflation is not None:
        inflation = get_inflation_figure(section.inflation)
        yield picture_html(_picture("inflation", section.inflation, inflation), anchor)


def _picture(name: str, info: PictureInfo, figure: go.Figure) -> Picture:
    return Picture(
        name=name,
        title=info.title,
        common=info.common,
        sentences=info.sentences,
        description=info.description,
        figure=figure,
        data={},
    )


def _budget_table(budgets: Sequence[BudgetInfo]) -> Table:
    facts = [dict(budget.facts) for budget in budgets]
    names = dict.fromkeys(name for of_study in facts for name in of_study)
    return Table(
        title="What was run",
        caption="Everything above holds for this budget, and for no larger one.",
        header=("", *(budget.name for budget in budgets)),
        rows=tuple(
            (cell(name), *(cell(of_study.get(name, "none")) for of_study in facts))
            for name in names
        ),
    )
