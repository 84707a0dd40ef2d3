"""The paper's table of detection beside what was run on PASCAL VOC 2007."""

from collections.abc import Sequence

from dashboards.elements.caption import short_budget
from dashboards.replication.markup import ABSENT, Cell, Line, Table, cell, unbroken
from pnn_core.config import ADDED_TO_DETECTION, CANVAS, PADDING
from pnn_core.parts.weight_files import IMAGENET
from study.results.comparison_words import format_size
from study.results.layer_result import LAYER_NAMES, LayerResult, layer_results
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.published_results import PAPER, ReportedResult, reported_results
from study.results.statistics.confidence_intervals import CONFIDENCE, format_percent

TABLE_7 = "Table 7: PASCAL VOC 2007, Faster R-CNN"

_DATASET = "voc2007"
_MODEL = "faster-rcnn "
"""Words before a network's name in the reported figures of detection."""

_STAND_INS = {"resnet101": "resnet50"}
"""Networks that stand beside a reported one which is not built here."""


def get_table_7(studies: Sequence[LoadedStudy]) -> Table | None:
    """Lay out Table 7 with a column for each study of its data set; None where there is none.

    The paper states neither masks nor noise level of its detectors, so that every confirmed trial
    with the network and the layer of a figure stands beside it, and says what else it is.
    """
    beside = [study for study in studies if study.info.dataset == _DATASET]
    if not beside:
        return None
    rows = [row for row in reported_results() if row.source == PAPER and row.where == "Table 7"]
    return Table(
        title=TABLE_7,
        caption="; ".join(f"{study.info.name}: {short_budget(study)}" for study in beside)
        + f". Mean average precision at an IoU of 0.5, 11-point rule; means over seeds "
        f"[{CONFIDENCE:.0%} t interval]. The paper's networks began with weights of ImageNet, "
        "masked ones among them, which nobody has published; it states neither masks nor noise "
        "level. Only what begins with weights of ImageNet can be compared with it.",
        header=(
            "Reported configuration",
            "Reported mAP (%)",
            *(f"{study.info.name}: confirmed test mAP (%)" for study in beside),
        ),
        rows=tuple(
            (
                cell(f"{row.model}, {LAYER_NAMES.get(row.layer, row.layer)}"),
                (Line(f"{100 * row.value:.1f}", row.note),),
                *(_cell(row, study) for study in beside),
            )
            for row in rows
        ),
    )


def _cell(row: ReportedResult, study: LoadedStudy) -> Cell:
    network = row.model.removeprefix(_MODEL)
    built = _STAND_INS.get(network, network)
    stands_in = "" if built == network else f"{built}, as no {network} is built here"
    found = [
        result
        for result in layer_results(study.confirmed)
        if result.layer == row.layer and result.parameters.get("network") == built
    ]
    return tuple(_line(result, study, stands_in) for result in found) or cell(ABSENT)


def _line(result: LayerResult, study: LoadedStudy, stands_in: str) -> Line:
    begins = result.parameters.get("initial_weights")
    start = "drawn weights" if begins is None else f"the weights of {begins}"
    if begins == IMAGENET:
        start = "weights of ImageNet"
    is_masked = result.layer == "perturbation"
    masks = f"{result.parameters['mask_count']} {'masks' if is_masked else 'maps'}"
    epochs = int(result.parameters.get("epochs", study.info.epochs))
    facts = [
        *filter(None, [stands_in]),
        f"begins with {start}" + ("" if begins == IMAGENET else ", which is not Table 7"),
        masks,
        *([f"level {result.parameters['noise_level']:g}"] if is_masked else []),
        f"canvas {result.parameters.get(CANVAS)}",
        f"padded to the {result.parameters.get(PADDING, ADDED_TO_DETECTION[PADDING])}",
        counted(epochs, "epoch"),
        f"trial {result.trial}",
        f"{format_size(result.learnable_params)} parameters",
    ]
    estimate = result.test_accuracy
    if estimate is None:
        return Line(f"{ABSENT} to its end", ", ".join(facts))
    return Line(unbroken(format_percent(estimate)), ", ".join([f"n = {estimate.n}", *facts]))
