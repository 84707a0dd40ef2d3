"""Measurements of a network and its training, each declared once, at its field.

Records, their files, MLflow and the objectives follow from these declarations.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Annotated, Any, Literal, get_type_hints

from pnn_core.config.equality import has_equal_fields
from pnn_core.config.task import CLASSIFICATION, DETECTION, TASKS
from pnn_core.config.trial import TrialConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """Declaration of a metric.

    Attributes:
        label: Name in pictures, with its unit.
        direction: Direction in which it is better.
        kind: Kind of number, which decides its format and its usual axis: counts and seconds span
            decades.
        over_epochs: Value of a run with several epochs: that of its last one, or their sum; None
            where only the single epochs have one.
        task: Name of the only task that has it; None for every task.
    """

    label: str
    direction: Literal["maximize", "minimize"] = "minimize"
    kind: Literal["value", "count", "seconds"] = "value"
    over_epochs: Literal["last", "sum"] | None = "last"
    task: str | None = None


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs of a network.

    Attributes:
        learnable_params: Numbers that the optimiser changes: the paper's axis.
        mask_values: Fixed random numbers (masks, frozen and binary filters) that a checkpoint must
            hold or regrow from a seed.
        macs: Multiply-accumulates of convolutions and linear layers for one image; in detection
            with as many proposals as an evaluation keeps at most.
        backbone_params: In detection, the learnable parameters that the network has without its
            heads (the proposals' and those of its fully connected layers and outputs); 0 where
            they were not counted, as in classification.
    """

    learnable_params: Annotated[int, Metric(label="learnable parameters", kind="count")]
    mask_values: Annotated[int, Metric(label="mask values (fixed numbers)", kind="count")]
    macs: Annotated[int, Metric(label="multiply-accumulates per image (MACs)", kind="count")]
    backbone_params: Annotated[
        int, Metric(label="backbone parameters", kind="count", task=DETECTION)
    ] = 0

    @property
    def matched(self) -> int:
        """Parameters by which networks count as of one size: the backbone's where it has heads."""
        return self.backbone_params or self.learnable_params

    def counted(self) -> dict[str, int]:
        """Return the costs by name, without what was not counted."""
        costs = {f.name: getattr(self, f.name) for f in fields(self)}
        if not self.backbone_params:
            del costs["backbone_params"]
        return costs


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochResult:
    """Result of one epoch of training.

    A metric that is added later, or that one task alone has, has `math.nan` for a default.

    Attributes:
        epoch: Number of the epoch, counted from 1.
        val_accuracy: Correct over total, in [0, 1].
        val_loss: Mean cross-entropy over the validation images, in nats.
        val_map_50: Mean over classes of the average precision at an IoU of 0.5, by the 11-point
            rule of PASCAL VOC 2007, in [0, 1].
        val_map_50_area: The same by the area under the precision-recall curve, as VOC has it since
            2010.
        train_loss: Mean loss over the epoch's steps, in nats: cross-entropy; in detection the sum
            of the four losses of Faster R-CNN.
        train_seconds: Wall time of the training steps.
        val_seconds: Wall time of the evaluation.
    """

    epoch: int
    val_accuracy: Annotated[
        float,
        Metric(
            label="validation accuracy (correct / total)",
            direction="maximize",
            task=CLASSIFICATION,
        ),
    ] = math.nan
    val_loss: Annotated[float, Metric(label="validation loss (nats)", task=CLASSIFICATION)] = (
        math.nan
    )
    val_map_50: Annotated[
        float,
        Metric(
            label="validation mAP at IoU 0.5 (VOC'07, 11 points)",
            direction="maximize",
            task=DETECTION,
        ),
    ] = math.nan
    val_map_50_area: Annotated[
        float,
        Metric(label="validation mAP at IoU 0.5 (area)", direction="maximize", task=DETECTION),
    ] = math.nan
    train_loss: Annotated[float, Metric(label="training loss (nats)")]
    train_seconds: Annotated[
        float, Metric(label="training time (s)", kind="seconds", over_epochs="sum")
    ]
    val_seconds: Annotated[
        float, Metric(label="validation time (s)", kind="seconds", over_epochs=None)
    ]

    def __eq__(self, other: object) -> bool:
        """Compare as tuples do: NaN, which was not measured, equals itself."""
        return has_equal_fields(self, other) if isinstance(other, EpochResult) else NotImplemented

    @property
    def task(self) -> str:
        """Name of the task that it was measured in."""
        return CLASSIFICATION if math.isnan(self.val_map_50) else DETECTION

    @property
    def merit(self) -> float:
        """Figure of merit of its task (`Task.validated`): accuracy, or mean average precision."""
        return self.val_map_50 if self.task == DETECTION else self.val_accuracy

    def measured(self) -> dict[str, float]:
        """Return its metrics by name: those of its task, and what its version measured."""
        return {name: getattr(self, name) for name in measured_metrics((self,))}


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Measurements of a trained network, made once, after the last epoch, where they are asked for.

    Attributes:
        latency_ms: Median time of one image in evaluation mode, in ms, on the record's device.
        peak_memory_bytes: Bytes of weights, buffers and all tensors that are alive at once for one
            image; what an operator needs within itself is not seen.
        file_bytes: Size of the network's safetensors file.
    """

    latency_ms: Annotated[float, Metric(label="inference latency (ms an image)")]
    peak_memory_bytes: Annotated[int, Metric(label="peak memory of inference (B)", kind="count")]
    file_bytes: Annotated[int, Metric(label="size on disk (B)", kind="count")]


@dataclass(frozen=True, kw_only=True)
class ConfirmResult:
    """Result of a confirmation run: trained on train and validation images, then tested.

    Attributes:
        train_loss: Mean cross-entropy over the last epoch's steps, in nats.
        test_accuracy: Share of the test images that were right after the last epoch, in [0, 1].
        published_test_accuracy: The published code's figure on the same images (see
            `pnn_core.training.published_accuracy`), to show how far it lies above the other.
        train_seconds: Wall time of all training steps.
        moved_test_accuracy: Mean over the four directions of the accuracy on the test images moved
            by one pixel, after the last epoch; the row or column that becomes free is black before
            normalisation. NaN where it was not recorded, as in earlier studies.
        test_map_50: In detection, the mean average precision on the test images after the last
            epoch (see `EpochResult`); NaN in classification, as the accuracies are in detection.
        test_map_50_area: The same by the area under the curve.
        test_images: Number of test images; 0 where `correct_images` was not recorded.
        correct_images: One bit for each test image, in the order of the data set: 1 if it was right
            after the last epoch. The first image is the highest bit of the first byte and zeros
            fill the last byte, as `numpy.packbits` has it; empty where it was not recorded.

    Raises:
        ValueError: `correct_images` has another size than `test_images` need.
    """

    train_loss: float
    train_seconds: float
    test_accuracy: float = math.nan
    published_test_accuracy: float = math.nan
    moved_test_accuracy: float = math.nan
    test_map_50: float = math.nan
    test_map_50_area: float = math.nan
    test_images: int = 0
    correct_images: bytes = b""

    def __post_init__(self) -> None:
        needed = (self.test_images + 7) // 8
        if len(self.correct_images) != needed:
            raise ValueError(
                f"correct_images ({len(self.correct_images)} bytes) must be {needed} bytes for "
                f"test_images (={self.test_images})"
            )

    def __eq__(self, other: object) -> bool:
        """Compare as tuples do: NaN, which was not recorded, equals itself."""
        return has_equal_fields(self, other) if isinstance(other, ConfirmResult) else NotImplemented

    @property
    def merit(self) -> float:
        """Figure of merit of its task (`Task.tested`): accuracy, or mean average precision."""
        return self.test_map_50 if math.isnan(self.test_accuracy) else self.test_accuracy

    def metrics(self) -> dict[str, float]:
        """Return the measured numbers by name, without those that were not recorded."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.type is float}
        return {name: value for name, value in values.items() if not math.isnan(value)}


@dataclass(frozen=True, kw_only=True)
class GpuNeed:
    """Need of a GPU by several training runs: memory of the largest, steps of a middle one.

    Attributes:
        gpu: Name of the GPU.
        largest: Training run that was measured.
        needed_bytes: Memory at its peak, with what CUDA takes for a process; None where the whole
            GPU is too small.
        free_bytes: Free memory of the GPU before anything ran there.
        total_bytes: Memory of the GPU.
        rates: Training steps per second of all processes together, by their number, of the run in
            the middle of all sizes; empty where not measured.
        mps: True if they shared the GPU through CUDA's multi-process service.
    """

    gpu: str
    largest: TrialConfig
    needed_bytes: int | None
    free_bytes: int
    total_bytes: int
    rates: Mapping[int, float] = field(default_factory=dict)
    mps: bool = False


def _declared(owner: type[Any]) -> dict[str, Metric]:
    hints = get_type_hints(owner, include_extras=True)
    return {
        name: declaration
        for name, hint in hints.items()
        for declaration in getattr(hint, "__metadata__", ())
        if isinstance(declaration, Metric)
    }


COST_METRICS = _declared(Costs)
"""Metrics of a network, by name."""

MEASURED_METRICS = _declared(Measurements)
"""Metrics of a trained network that are measured where an objective asks for them, by name."""

EPOCH_METRICS = _declared(EpochResult)
"""Metrics of an epoch, by name."""

ADDED_METRICS = frozenset(f.name for f in fields(EpochResult) if f.default is not MISSING)
"""Metrics of an epoch that earlier studies, or studies of another task, do not have."""


def measured_metrics(curve: Sequence[EpochResult]) -> tuple[str, ...]:
    """Return the metrics that results hold: those of their task, and what their version measured.

    Args:
        curve: Results of one run; of none, those of classification.
    """
    task = curve[0].task if curve else CLASSIFICATION
    return tuple(
        name
        for name, metric in EPOCH_METRICS.items()
        if metric.task == task
        or name not in ADDED_METRICS
        or (metric.task is None and not all(math.isnan(getattr(each, name)) for each in curve))
    )


def lacking_metrics(names: Collection[str]) -> list[str]:
    """Return the metrics of an epoch that are missing for it to be of any task; empty for none.

    Args:
        names: Metrics that there are.
    """
    lacking = [
        [
            name
            for name, metric in EPOCH_METRICS.items()
            if name not in names and (name not in ADDED_METRICS or metric.task == task)
        ]
        for task in TASKS
    ]
    return min(lacking, key=len)
