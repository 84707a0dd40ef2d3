"""Studies and choices that a picture is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.quantity import Quantity, setting
from dashboards.view_options import ViewOptions
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.precision_recall import PrecisionRecall
from study.results.run_record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Studies and choices that a picture is drawn from.

    Attributes:
        studies: Study looked at, and those beside it.
        options: Choices of the reader.
        selected: Numbers of the trials that the reader has brushed; None for all.
        now_ms: Time in milliseconds since 1970.
        opened: Trial that the reader has opened; None for none.
        curves: Precision-recall curves of the classes of that trial, a detector's; None where they
            were not kept.

    Raises:
        ValueError: There is no study.
    """

    studies: tuple[LoadedStudy, ...]
    options: ViewOptions
    selected: frozenset[int] | None
    now_ms: int
    opened: RunRecord | None = None
    curves: tuple[PrecisionRecall, ...] | None = None

    def __post_init__(self) -> None:
        if not self.studies:
            raise ValueError("choose at least one study")

    @property
    def study(self) -> LoadedStudy:
        """Study looked at."""
        return self.studies[0]

    def quantity(self, name: str) -> Quantity | None:
        """Return the quantity that an option names; None where it names none."""
        return self.options.quantity(name, self.study.records)

    def two_settings(self, first: str, second: str) -> tuple[Quantity, Quantity]:
        """Return two different settings: those chosen, else those named where they are searched.

        Args:
            first: Name of the usual first setting.
            second: Name of the usual second setting.
        """
        usual = [*complete_trials(self.study).searched, setting(first), setting(second)]
        one = self.quantity("parameter") or _preferred(usual, first)
        rest = [quantity for quantity in usual if quantity.name != one.name]
        return one, self.quantity("second") or _preferred(rest, second)


def _preferred(usual: Sequence[Quantity], name: str) -> Quantity:
    return next((quantity for quantity in usual if quantity.name == name), usual[0])
