"""Blocks of one experiment, studies with fresh seeds of their own, read as one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pnn_core.config import ParameterValue
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.planned_experiment import PlannedExperiment, arm_of
from study.results.run_record import RunKey, RunRecord
from study.results.study_info import StudyInfo

_SAME = ("dataset", "images", "epochs", "replicates", "controls")
"""Fields of a `StudyInfo` that blocks of one experiment share."""


def grouped_blocks(studies: Sequence[LoadedStudy]) -> tuple[LoadedStudy, ...]:
    """Merge the studies that are blocks of one experiment, and leave the others as they are.

    Args:
        studies: Studies in any order.

    Returns:
        Each experiment where its first block stood.

    Raises:
        ValueError: Blocks do not fit together.
    """
    groups: dict[str, list[LoadedStudy]] = {}
    for study in studies:
        plan = study.info.experiment
        key = f"study {study.info.name}" if plan is None else plan.digest
        groups.setdefault(key, []).append(study)
    return tuple(merge_blocks(group) if len(group) > 1 else group[0] for group in groups.values())


def merge_blocks(blocks: Sequence[LoadedStudy]) -> LoadedStudy:
    """Read several blocks as one study: the arms of the plan are its trials, in their order.

    The trials, trained on the train images alone, are those of the first block.

    Args:
        blocks: Studies of one experiment, at least one.

    Raises:
        ValueError: They are not of one plan, differ in settings, repeat a seed, or hold more seeds
            than planned; names the block.
    """
    first = blocks[0]
    plan = _plan(first)
    numbers = {arm: number for number, arm in enumerate(plan.arms)}
    confirmed: dict[RunKey, RunRecord] = {}
    for block in blocks:
        _require_same(first, block)
        arms = {record.number: numbers[arm_of(record)] for record in block.records}
        for run in block.confirmed:
            key = run.key._replace(trial=arms[run.trial])
            if key in confirmed:
                raise ValueError(
                    f"study {block.info.name} repeats fresh seed {run.seed} of arm "
                    f"{plan.arms[key.trial]}: a block needs a --seed of its own"
                )
            confirmed[key] = replace(run, key=key)
    seeds = len({key.seed for key in confirmed})
    if seeds > plan.seeds:
        raise ValueError(
            f"the blocks hold {seeds} fresh seeds, and {plan.seeds} were planned: leave out those "
            "that were begun last"
        )
    records = (replace(r, key=RunKey(numbers[arm_of(r)])) for r in first.records)
    return LoadedStudy(
        info=_merged_info(blocks, plan),
        records=tuple(sorted(records, key=lambda record: record.key)),
        confirmed=tuple(confirmed[key] for key in sorted(confirmed)),
        undecodable=tuple(run for block in blocks for run in block.undecodable),
    )


def _plan(block: LoadedStudy) -> PlannedExperiment:
    if block.info.experiment is None:
        raise ValueError(f"study {block.info.name} plans no experiment")
    return block.info.experiment


def _merged_info(blocks: Sequence[LoadedStudy], plan: PlannedExperiment) -> StudyInfo:
    infos = [block.info for block in blocks]
    commits = sorted({info.git_commit for info in infos if info.git_commit})
    return replace(
        infos[0],
        name=" + ".join(info.name for info in infos),
        confirm=sum(info.confirm for info in infos),
        confirm_beforehand=plan.seeds,
        first_fresh_seed=None,  # each block has its own
        sealed_runs=None,
        open_early=any(info.open_early for info in infos),
        git_commit=", ".join(commits),
        versions={
            library: " and ".join(sorted({info.versions.get(library, "none") for info in infos}))
            for library in sorted({library for info in infos for library in info.versions})
        },
    )


def _require_same(first: LoadedStudy, block: LoadedStudy) -> None:
    """Refuse a block that trained something else under the same plan."""
    names = f"studies {first.info.name} and {block.info.name} are no blocks of one experiment"
    if _plan(block) != _plan(first):
        raise ValueError(f"{names}: their spaces or their plans differ")
    for field in _SAME:
        own, other = getattr(first.info, field), getattr(block.info, field)
        if own != other:
            raise ValueError(f"{names}: their {field} are {own} and {other}")
    settings, others = _settings(first), _settings(block)
    for arm in settings.keys() | others.keys():
        own, other = settings.get(arm), others.get(arm)
        if own is None or other is None:
            raise ValueError(f"{names}: one of them lacks arm {arm!r}")
        odd = sorted(n for n in own.keys() | other.keys() if own.get(n) != other.get(n))
        if odd:
            raise ValueError(
                f"{names}: {odd[0]} of arm {arm!r} is {own.get(odd[0])!r} and {other.get(odd[0])!r}"
            )


def _settings(block: LoadedStudy) -> dict[str, Mapping[str, ParameterValue | Any]]:
    """Return the settings of each arm, but for what differs from seed to seed."""
    return {
        arm_of(r): {name: value for name, value in r.parameters.items() if name != "seed"}
        for r in block.records
    }
