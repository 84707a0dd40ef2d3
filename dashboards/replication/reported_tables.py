"""The paper's tables and the dispute's figures, each beside what was run of it."""

import math
from collections.abc import Iterable, Mapping, Sequence

from dashboards.elements.caption import short_budget
from dashboards.replication.markup import ABSENT, Cell, Line, Table, cell, unbroken
from pnn_core.config import (
    ADDED_SETTINGS,
    DatasetShape,
    ModelConfig,
    ParameterValue,
    TrialConfig,
)
from study.results.comparison_words import format_size
from study.results.front_table import format_parameter
from study.results.layer_result import LAYER_NAMES, LayerResult, layer_results
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.published_results import PAPER, ReportedResult, reported_results
from study.results.statistics.confidence_intervals import CONFIDENCE, format_percent

_TITLES = {
    "Table 1": "Table 1: ImageNet-1k, PNN-ResNet-18 by masks",
    "Table 2": "Table 2: ImageNet-1k, PNN against CNN",
    "Table 3": "Table 3: ImageNet-100, PNN-ResNet-50 by noise level",
    "Table 4": "Table 4: CIFAR-10 and MNIST, the best models",
    "Table 5": "Table 5: CIFAR-10, PNN-ResNet-18 by masks",
    "Table 6": "Table 6: CIFAR-10, PNN-ResNet-50 by batch size and masks",
}
DISPUTE = "The dispute: figures of the authors' and others' code"

_TOLD_APART = ("epochs", "seed")
"""Settings that a cell tells in its own words, or whose mean it is."""


def get_reported_tables(studies: Sequence[LoadedStudy]) -> tuple[Table, ...]:
    """Lay out every reported figure with two columns for each study.

    A trial stands beside a figure when data set, network, layer and every other setting that was
    reported of the figure are the same. The epochs need not be: a shorter budget is said in the
    cell, and so are the departures.
    """
    rows = reported_results()
    groups = {
        title: [row for row in rows if row.source == PAPER and row.where == where]
        for where, title in _TITLES.items()
    }
    groups[DISPUTE] = [row for row in rows if row.source != PAPER]
    return tuple(_table(title, group, studies) for title, group in groups.items())


def has_run(table: Table) -> bool:
    """Return True if some study ran one of the table's figures."""
    return any(
        not line.text.startswith(ABSENT) for row in table.rows for cell in row[2:] for line in cell
    )


def matches(row: ReportedResult, dataset: str, result: LayerResult) -> bool:
    """Return True if confirmed runs have every setting that was reported of a figure."""
    if row.dataset != dataset or _unstated(row):
        return False
    return all(
        name in result.parameters and _same(result.parameters[name], value)
        for name, value in row.settings().items()
    )


def departures(row: ReportedResult, result: LayerResult) -> dict[str, ParameterValue]:
    """Every setting of matching runs that its source does not give, nor, where silent, the default.

    Args:
        row: The reported figure.
        result: Runs that match it.
    """
    expected = row.run_settings()
    return {
        name: value
        for name, value in {**ADDED_SETTINGS, **result.parameters}.items()
        if name not in _TOLD_APART and not (name in expected and _same(value, expected[name]))
    }


def describe_defaults() -> str:
    """The settings that a figure is taken to have where its source is silent, in words."""
    shape = DatasetShape(channels=1, height=1, width=1, classes=2)  # no parameter depends on it
    defaults = TrialConfig(model=ModelConfig(dataset=shape)).parameters()
    told = {"network", "layer", "mask_count", *_TOLD_APART}
    return _listed({name: value for name, value in defaults.items() if name not in told})


def _table(title: str, rows: Iterable[ReportedResult], studies: Sequence[LoadedStudy]) -> Table:
    budgets = "; ".join(f"{study.info.name}: {short_budget(study)}" for study in studies)
    header = ["Reported configuration", "Reported (%)"]
    for study in studies:
        header += [
            f"{study.info.name}: confirmed test accuracy (%)",
            f"{study.info.name}: published protocol, same runs (%)",
        ]
    return Table(
        title=title,
        caption=f"{budgets}. Means over seeds [{CONFIDENCE:.0%} t interval].",
        header=tuple(header),
        rows=tuple(
            (
                _configuration(row),
                (Line(f"{100 * row.value:.2f}", _protocol(row)),),
                *(cell for study in studies for cell in _cells(row, study)),
            )
            for row in rows
        ),
    )


def _cells(row: ReportedResult, study: LoadedStudy) -> tuple[Cell, Cell]:
    found = [
        result
        for result in layer_results(study.confirmed)
        if result.layer == row.layer and matches(row, study.info.dataset, result)
    ]
    if not found:
        unstated = _unstated(row) if row.dataset == study.info.dataset else ""
        absent = (Line(ABSENT, f"reported without its {unstated}" if unstated else ""),)
        return absent, cell(ABSENT)
    confirmed, published = [], []
    for result in found:
        note = _note(row, result, study.info.epochs)
        accuracy, smoothed = result.test_accuracy, result.published_test_accuracy
        if accuracy is None or smoothed is None:
            confirmed.append(Line(f"{ABSENT} to its end", note))
            published.append(Line(f"{ABSENT} to its end"))
        else:
            confirmed.append(Line(unbroken(format_percent(accuracy)), f"n = {accuracy.n}, {note}"))
            published.append(Line(unbroken(format_percent(smoothed)), f"n = {smoothed.n}"))
    return tuple(confirmed), tuple(published)


def _note(row: ReportedResult, result: LayerResult, planned_epochs: int) -> str:
    """Name the trial, its budget, and where it departs from the source or the defaults."""
    epochs = int(result.parameters.get("epochs", planned_epochs))
    facts = [
        _budget(row, epochs),
        f"trial {result.trial}",
        f"{format_size(result.learnable_params)} parameters",
    ]
    if result.missing:
        facts.append(f"{counted(len(result.missing), 'seed')} without a result")
    listed = _listed(departures(row, result))
    return f"{', '.join(facts)}; {f'departs in {listed}' if listed else 'no setting departs'}"


def _listed(settings: Mapping[str, ParameterValue]) -> str:
    return ", ".join(f"{name} {format_parameter(value)}" for name, value in settings.items())


def _budget(row: ReportedResult, epochs: int) -> str:
    least = row.epochs_at_least
    if least is None:
        return f"{counted(epochs, 'epoch')} (the reported budget is not known)"
    reported = f"{'' if row.epochs else 'more than '}{least}"
    is_shorter = epochs < least or (row.epochs is None and epochs == least)
    if is_shorter:
        return f"{counted(epochs, 'epoch')}, a shorter budget than reported ({reported})"
    return f"{counted(epochs, 'epoch')} (reported: {reported})"


def _configuration(row: ReportedResult) -> Cell:
    """Settings that tell a figure from its neighbours, and in small print the rest."""
    masks = "masks" if row.layer == "perturbation" else "maps"
    is_paper = row.source == PAPER
    main = (
        row.model,
        LAYER_NAMES.get(row.layer, row.layer),
        f"{row.mask_count} {masks}" if row.mask_count else "",
        f"level {row.noise_level:g}" if row.noise_level is not None else "",
        f"batch {row.batch_size}" if row.batch_size else "",
    )
    rest = (
        row.dataset,
        f"{row.fan_out} masks a channel" if row.fan_out not in (None, 1) else "",
        row.optimizer,
        f"learning rate {row.learning_rate:g}" if row.learning_rate else "",
        f"first layer {row.first_layer}" if row.first_layer else "",
        "" if is_paper else row.note,
    )
    source = "" if is_paper else f" ({row.source}, {row.where})"
    return (Line(", ".join(filter(None, main)), ", ".join(filter(None, rest)) + source),)


def _protocol(row: ReportedResult) -> str:
    return f"{row.protocol}, {row.epochs} epochs" if row.epochs else row.protocol


def _unstated(row: ReportedResult) -> str:
    """Name the setting that a figure was reported without; empty where it can be run again."""
    if not row.model:
        return "network"
    if "mask_count" not in row.settings():
        return "mask count" if row.layer == "perturbation" else "width"
    return ""


def _same(ours: ParameterValue, reported: ParameterValue) -> bool:
    if isinstance(ours, int | float) and isinstance(reported, int | float):
        return math.isclose(ours, reported, rel_tol=1e-6)
    return ours == reported
