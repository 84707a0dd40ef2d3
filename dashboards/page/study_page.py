"""Every view of a study as one page."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.elements.caption import common_sentences, seal_sentences
from dashboards.elements.html_text import bullets, caption_html, heading, paragraph
from dashboards.page.document import document, links, picture_html, table_html
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.paired import get_paired_columns, get_paired_info
from dashboards.pictures.status import get_status_info
from dashboards.pictures.stops import get_stops_columns, get_stops_info
from dashboards.scene import Scene
from dashboards.view_tables import front_table, named_table, trials_table
from dashboards.views import VIEWS, View
from study.results.study_info import StudyInfo
from study.results.whole_file import write_whole

MOST_ROWS = 1000
"""Trials that the table of a page holds."""


def write_study_page(path: Path, scene: Scene) -> None:
    """Write the page.

    Args:
        path: Path of the file.
        scene: The study, and others beside it.

    Raises:
        OSError: The file cannot be written.
    """
    write_whole(path, study_page(scene))


def study_page(scene: Scene) -> str:
    """The page as HTML that needs no network."""
    names = ", ".join(study.info.name for study in scene.studies)
    return document(f"Study {names}", _body(scene, names))


def _body(scene: Scene, names: str) -> Iterator[str]:
    yield heading(1, f"Study {names}")
    yield paragraph(_facts(scene.study.info))
    yield from map(paragraph, seal_sentences(scene.studies))
    yield links((name, view.title) for name, view in VIEWS.items())
    for name, view in VIEWS.items():
        yield heading(2, view.title, anchor=name)
        yield paragraph(view.question_for(scene.study.info.task), "question")
        if name == "progress":
            yield from _status(scene)
        pictures = [entry.draw(scene) for entry in _drawn(view, scene)]
        yield from map(paragraph, common_sentences(pictures))
        for picture in pictures:
            yield picture_html(picture, name)
        if name == "trials":
            yield from _trials_table(scene)
        if name == "front":
            yield _front_table(scene)
        if name == "progress":
            yield from _stops(scene)
        if name == "compare":
            yield from _paired(scene)


def _drawn(view: View, scene: Scene) -> Iterator[PictureEntry[Any]]:
    """Yield the pictures of a view; one that stands in two views is drawn where it comes first."""
    for entry in view.pictures_of(scene.study.info.task):
        if entry.views[0] == view.name and (
            len(scene.studies) > 1 or entry.needs != "several studies"
        ):
            yield entry


def _facts(info: StudyInfo) -> str:
    objectives = ", ".join(objective.name for objective in info.objectives)
    commit = f", commit {info.git_commit[:12]}" if info.git_commit else ""
    return (
        f"Space {info.space} on {info.dataset}; objectives {objectives}; sampler {info.sampler}, "
        f"scheduler {info.scheduler}, seed {info.seed}{commit}. Live, where the tracker is: "
        f"python -m dashboards.app, then the study {shlex.quote(info.name)}."
    )


def _status(scene: Scene) -> Iterator[str]:
    status = get_status_info(scene.study, now_ms=scene.now_ms)
    yield paragraph(status.description)
    yield bullets((*status.reasons, *status.retried, *status.fallbacks))
    yield bullets(status.unreadable)


def _trials_table(scene: Scene) -> Iterator[str]:
    """Yield the table of all trials, or of the latest ones where a page would grow too large."""
    table = trials_table(scene)
    if (trials := len(table.rows)) > MOST_ROWS:
        columns = {name: column[-MOST_ROWS:] for name, column in table.columns.items()}
        table = table._replace(
            title=f"The latest {MOST_ROWS:,} of {trials:,} trials", columns=columns
        )
        name = shlex.quote(scene.study.info.name)
        yield paragraph(f"All of them: pnn-study show {name}, or the live page.")
    yield table_html(table)


def _front_table(scene: Scene) -> str:
    table = front_table(scene)
    return table_html(table) if table.rows else paragraph("No trial is on the front.")


def _paired(scene: Scene) -> Iterator[str]:
    info = get_paired_info(scene.studies)
    yield heading(3, info.title)
    yield caption_html(info.sentences)
    if info.instead:
        yield paragraph(info.instead)
        return
    yield table_html(named_table("paired", "Differences", get_paired_columns(info)))


def _stops(scene: Scene) -> Iterator[str]:
    info = get_stops_info(scene.study)
    if info.stops:
        yield table_html(named_table("stops", info.title, get_stops_columns(info)))
