"""Studies that are struck, resumed and judged; see README.md beside this file.

Without anything said, every kind of fault comes once. `ROUNDS=50` runs that many rounds of faults
drawn at random instead, `SEED=7` repeats the round of that seed.
"""

import os
import pickle
import secrets
from collections import Counter
from pathlib import Path

import pytest
from fault_round import run_round
from fault_table import REPORTS, fault_table
from faults import EACH_ONCE, Fault, Plan, draw_plan
from invariants import check
from small_study import Reference, asked, run_reference

LARGEST_SEED = 10**6


def plans() -> list[Plan]:
    """What is run in this session."""
    if seed := os.environ.get("SEED"):
        return [draw_plan(int(seed))]
    if rounds := int(os.environ.get("ROUNDS") or 0):
        first = len(EACH_ONCE)
        return [draw_plan(first + secrets.randbelow(LARGEST_SEED - first)) for _ in range(rounds)]
    return [draw_plan(seed) for seed in range(len(EACH_ONCE))]


@pytest.fixture(scope="session")
def reference(make_once) -> Reference:
    def make(folder: Path) -> None:
        (folder / "reference.pickle").write_bytes(pickle.dumps(run_reference(folder)))

    return pickle.loads((make_once("reference", make) / "reference.pickle").read_bytes())


def test_each_kind_of_fault_comes_once_in_the_first_rounds() -> None:
    assert Counter(fault for faults in EACH_ONCE for fault in faults) == Counter(Fault)


def test_a_seed_gives_the_same_faults_at_the_same_moments() -> None:
    assert [draw_plan(seed) for seed in range(50)] == [draw_plan(seed) for seed in range(50)]
    assert {fault for seed in range(50) for fault in draw_plan(seed).faults} == set(Fault)
    assert fault_table([]).count("\n") == len(Fault) + 1


def test_a_study_without_faults_breaks_no_invariant(reference: Reference) -> None:
    assert check(asked(confirm=True), reference.stored, reference.front_csv) == []
    assert reference.numbers.trials.keys() == set(range(asked(confirm=True).trials))


@pytest.mark.parametrize("plan", plans(), ids=lambda plan: f"seed-{plan.seed}")
def test_nothing_is_lost_counted_twice_or_stuck(
    plan: Plan, reference: Reference, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    print(plan, flush=True)
    report = run_round(plan, reference, tmp_path)
    request.config.stash.setdefault(REPORTS, []).append(report)
    assert not report.violations, "\n".join(
        [
            str(plan),
            f"make faults SEED={plan.seed} repeats it; its folder is {tmp_path}",
            *(f"{violation.kind}: {violation.text}" for violation in report.violations),
            report.story,
        ]
    )
