"""A family of tables whose fronts are known: accuracies and learning curves are formulas.

Of every mask count there are good and bad networks: with u and v the learning rate and the noise
level, each from 0 to 1 along its logarithmic axis, a network of m masks ends at

    a(m, u, v) = best(m) − 0.6 (u − 2/3)² − 0.3 (v − 1/3)²,    best(m) = 0.98 − 0.5 (4 / m)^0.7

so the front is best(m) over all m, where u = 2/3 and v = 1/3, which the grid holds. After the share
s of its epochs a network has come to

    a · (1 − exp(−k s)) / (1 − exp(−k))

of which one sees a with an error that is normal, independent at every epoch, and zero in the mean
over the seeds. The members of the family differ in that error and in k.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution

from pnn_core.config import Costs, DatasetShape, EpochResult
from search_spaces import SearchSpace
from study.recording.table import Configuration, Provenance, RecordedTable
from study.results.run_record import Curve

EPOCHS, REPLICATES = 27, 3
PLACES = 16
"""Values along each axis; 2/3 and 1/3 of the way are among them."""

PARAMS_PER_MASK = 150
BEST_RATE, BEST_NOISE = 2 / 3, 1 / 3
SHAPE = DatasetShape(channels=1, height=8, width=8, classes=10)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of the family.

    Attributes:
        name: Name in tables and pictures.
        error: Standard deviation of a seed's accuracy around the curve.
        speeds: k of the slowest and of the fastest learning rate: the faster a network learns, the
            earlier it looks better than it will be. The same twice: no curves cross but by errors.
    """

    name: str
    error: float
    speeds: tuple[float, float]


MEMBERS = (
    Member(name="noisy", error=0.02, speeds=(6.0, 6.0)),
    Member(name="crossing", error=0.005, speeds=(1.0, 12.0)),
)


def known_front() -> dict[int, float]:
    """The best accuracy at every mask count."""
    counts = (4 * (place + 1) for place in range(PLACES))
    return {count: 0.98 - 0.5 * (4 / count) ** 0.7 for count in counts}


def make_table(member: Member) -> RecordedTable:
    """The table of one member: 16 mask counts × 16 noise levels × 16 learning rates."""
    steps = [place / (PLACES - 1) for place in range(PLACES)]
    noise_levels = [_between(0.01, 5.0, step) for step in steps]
    rates = [_between(1e-4, 1e-1, step) for step in steps]
    space = SearchSpace(
        name=f"known_front_{member.name}",
        summary="accuracies are formulas",
        axes={
            "mask_count": IntDistribution(4, 4 * PLACES, step=4),
            "noise_level": FloatDistribution(noise_levels[0], noise_levels[-1], log=True),
            "learning_rate": FloatDistribution(rates[0], rates[-1], log=True),
        },
        fixed={"network": "resnet8"},
        grid={"noise_level": noise_levels, "learning_rate": rates},
    )
    return RecordedTable(
        space=space,
        dataset="formulas",
        shape=SHAPE,
        epochs=EPOCHS,
        replicates=REPLICATES,
        provenance=Provenance(
            study="none",
            command="python benchmarks/early_stopping.py",
            git_commit="",
            versions={},
            processor="none",
            recorded=("", ""),
        ),
        configurations=tuple(_configurations(member, space)),
    )


def _configurations(member: Member, space: SearchSpace) -> Iterator[Configuration]:
    random = np.random.default_rng(0)
    best = known_front()
    places = {name: {v: i for i, v in enumerate(values)} for name, values in space.grid.items()}
    for number, point in enumerate(space.grid_points(SHAPE)):
        config = space.configure(point, dataset=SHAPE, epochs=EPOCHS, seed=0)
        rate = places["learning_rate"][float(point["learning_rate"])] / (PLACES - 1)
        noise = places["noise_level"][float(point["noise_level"])] / (PLACES - 1)
        mask_count = int(point["mask_count"])
        final = best[mask_count] - 0.6 * (rate - BEST_RATE) ** 2 - 0.3 * (noise - BEST_NOISE) ** 2
        slow, fast = member.speeds
        errors = random.normal(0.0, member.error, (REPLICATES, EPOCHS))
        curve = _curve(final, slow + (fast - slow) * rate)
        parameters = config.parameters()
        yield Configuration(
            number=number,
            parameters={
                name: v for name, v in parameters.items() if name not in ("epochs", "seed")
            },
            costs=Costs(
                learnable_params=PARAMS_PER_MASK * mask_count,
                mask_values=0,
                macs=1000 * mask_count,
            ),
            first_seed=0,
            curves=tuple(
                _seen(curve + own, seconds=mask_count / 16) for own in errors - errors.mean(axis=0)
            ),
        )


def _curve(final: float, speed: float) -> np.ndarray:
    shares = np.arange(1, EPOCHS + 1) / EPOCHS
    return final * (1 - np.exp(-speed * shares)) / (1 - math.exp(-speed))


def _seen(accuracies: np.ndarray, *, seconds: float) -> Curve:
    return tuple(
        EpochResult(
            epoch=epoch,
            train_loss=0.0,
            val_loss=0.0,
            val_accuracy=float(accuracy),
            train_seconds=seconds,
            val_seconds=0.0,
        )
        for epoch, accuracy in enumerate(accuracies, start=1)
    )


def _between(low: float, high: float, share: float) -> float:
    """A share of the way between two values of a logarithmic axis."""
    return float(min(high, low * (high / low) ** share))
