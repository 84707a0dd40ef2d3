"""Front of a study: complete trials within its limits that no other such trial beats."""

import math
from collections.abc import Iterable

import moocore

from study.results.limit import Limits, meets
from study.results.objective import Objective
from study.results.run_record import RunRecord, RunState


def front(
    records: Iterable[RunRecord], objectives: tuple[Objective, ...], limits: Limits = ()
) -> tuple[RunRecord, ...]:
    """Pick the records that no other record dominates.

    A record dominates another when it is at least as good on every objective and better on one.
    Only complete records within all limits, with a finite value of every objective, take part.
    Records with identical values are all kept.

    Args:
        records: Records in any order.
        objectives: Objectives, at least one.
        limits: Limits of the study.

    Returns:
        Ordered by the last objective's value, then the one before it and so on, then by number:
        with two objectives, the order in which a step line visits the front.
    """
    eligible = [
        (values, record)
        for record in records
        if (values := _values(record, objectives)) and meets(record, limits)
    ]
    if not eligible:
        return ()
    kept = moocore.is_nondominated(
        [values for values, _ in eligible],
        maximise=[objective.maximised for objective in objectives],
        keep_weakly=True,  # identical points: a replicate is no reason to drop a trial
    )
    chosen = [pair for pair, keep in zip(eligible, kept, strict=True) if keep]
    chosen.sort(key=lambda pair: (*reversed(pair[0]), pair[1].number))
    return tuple(record for _, record in chosen)


def hypervolume(
    records: Iterable[RunRecord],
    objectives: tuple[Objective, ...],
    reference: tuple[float, ...],
    limits: Limits = (),
) -> float:
    """Measure the volume between the front and a reference point, exactly.

    Args:
        records: Records in any order; those which `front` leaves out count nothing.
        objectives: Objectives, at least one.
        reference: One finite value per objective, in its own direction and unit. Only what is
            better than it in every objective counts.
        limits: Limits of the study.

    Returns:
        In the product of the objectives' units; 0 when nothing beats the reference.

    Raises:
        ValueError: The reference does not fit the objectives.
    """
    if len(reference) != len(objectives) or not all(map(math.isfinite, reference)):
        raise ValueError(
            f"reference (={reference}) must hold one finite value for each of the "
            f"{len(objectives)} objectives"
        )
    points = [
        values
        for record in records
        if (values := _values(record, objectives)) and meets(record, limits)
    ]
    if not points:
        return 0.0
    maximise = [objective.maximised for objective in objectives]
    return float(moocore.hypervolume(points, ref=reference, maximise=maximise))


def _values(record: RunRecord, objectives: tuple[Objective, ...]) -> tuple[float, ...]:
    """Values of a record that takes part; empty for one that does not."""
    if record.state is not RunState.COMPLETE:
        return ()
    metrics = record.metrics()
    values = tuple(metrics.get(objective.name, math.nan) for objective in objectives)
    return values if all(map(math.isfinite, values)) else ()
