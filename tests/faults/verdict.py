"""Whether a round went well: each end of the driver, and what the study left."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from driver import Driver
from faults import NEEDS_OWN_DISK, STATUSES, Fault, Plan
from invariants import Kind, Violation, check
from mlflow import MlflowClient
from optuna.trial import TrialState
from small_study import NAME, RESUME, Numbers, Reference, asked, journal_of
from stored_study import Stored, read

UNPREPARED = (-2, -15)
"""Of a driver that a signal met before Python had come to our code."""

ONE_SENTENCE = (*NEEDS_OWN_DISK, Fault.MOVE_FOLDER)
"""Faults after which nothing but one sentence may stand on standard error."""


def judge_end(driver: Driver, struck: Sequence[Fault], *, resumable: bool) -> list[Violation]:
    """Whether a driver ended as its faults let it, and said what a user needs.

    Args:
        driver: It has ended.
        struck: What it met.
        resumable: Whether it leaves a study that can be resumed.
    """
    found = []
    allowed = {0}.union(*(STATUSES.get(fault, ()) for fault in struck))
    if Fault.INTERRUPT in struck or Fault.TERMINATE in struck or Fault.INTERRUPT_TWICE in struck:
        allowed |= set(UNPREPARED)
    if not resumable and any(fault in NEEDS_OWN_DISK for fault in struck):
        allowed.add(2)  # seen before the study began, it is an --output that cannot be used
    met = ", ".join(struck) or "nothing"
    status, errors = driver.status, driver.errors
    if status not in allowed and driver.status != -9:
        said = f"struck by {met} the driver ended with {status}, not one of {sorted(allowed)}"
        found.append(Violation(Kind.WRONG, f"{said}: {errors[-500:]}"))
    if "Traceback" in errors + driver.output and status not in UNPREPARED:
        found.append(Violation(Kind.WRONG, f"struck by {met} the driver shows a traceback"))
    if status == 130 and resumable and " ".join(RESUME) not in driver.output + errors:
        found.append(Violation(Kind.WRONG, f"struck by {met} the driver gives no resume command"))
    if status in (1, 2) and any(fault in ONE_SENTENCE for fault in struck):
        lines = errors.splitlines()
        if len(lines) != 1 or not lines[0].startswith("study.run: "):
            said = f"struck by {met} the driver says not one sentence but: {errors[-500:]}"
            found.append(Violation(Kind.WRONG, said))
    return found


def judge(
    plan: Plan,
    reference: Reference,
    folder: Path,
    tracking_uri: str,
    struck: Collection[Fault],
    undisturbed: Collection[Fault],
) -> list[Violation]:
    """Everything that is wrong with the study at the end of a round.

    Args:
        plan: What was to happen.
        reference: The same study without faults.
        folder: Of the round.
        tracking_uri: Of its tracker, which runs again.
        struck: What did happen.
        undisturbed: Those faults within trials that no other fault can have undone.
    """
    output = folder / "studies" / NAME
    if not journal_of(output).is_file():
        return [Violation(Kind.LOST, "Optuna's journal is missing")]
    stored = read(str(journal_of(output)), tracking_uri, NAME)
    found = check(asked(confirm=plan.confirm), stored, output / "front.csv")
    different = Numbers.of(stored).differences(reference.numbers)
    found += [Violation(Kind.WRONG, text) for text in different]
    found += _failures(stored, struck, undisturbed)
    left = [path.name for path in (output / "checkpoints").glob("**/*") if path.is_file()]
    if left:
        found.append(Violation(Kind.WRONG, f"checkpoints are left: {left}"))
    if not any(fault in NEEDS_OWN_DISK for fault in struck):  # a full disk may cost the files
        found += _weights(stored, output, MlflowClient(tracking_uri))
    if Fault.MEMORY in undisturbed and not _told_of_memory(stored):
        found.append(Violation(Kind.WRONG, "no run says that memory ran out"))
    return found


def _weights(stored: Stored, output: Path, client: MlflowClient) -> list[Violation]:
    """Files of weights that the front and the confirmed runs lack, or that are too many."""
    with (output / "front.csv").open(newline="", encoding="utf-8") as file:
        front = {int(row["trial"]) for row in csv.DictReader(file)}
    runs = [run for number in front for run in stored.runs.get(number, ())]
    runs += [run for run in stored.confirmed if run.info.status == "FINISHED"]
    sent: list[str] = []
    found = []
    for run in runs:
        held = [Path(file.path).name for file in client.list_artifacts(run.info.run_id, "weights")]
        if len(held) != 1:
            said = f"MLflow holds {len(held)} files of weights of {run.info.run_name}"
            found.append(Violation(Kind.WRONG if held else Kind.LOST, said))
        sent += held
    kept = [path.name for path in (output / "weights").iterdir()]
    if sorted(kept) != sorted(sent):
        found.append(Violation(Kind.WRONG, f"the folder holds {sorted(kept)}, not {sorted(sent)}"))
    return found


def _failures(
    stored: Stored, struck: Collection[Fault], undisturbed: Collection[Fault]
) -> list[Violation]:
    """Trials and confirmation runs that failed, except one whose loss was made NaN."""
    failed = [
        (f"trial {trial.number}", run.data.tags.get("reason", ""))
        for trial, run in stored.whole_trials()
        if trial.state is not TrialState.COMPLETE and trial.state.is_finished()
    ]
    failed += [
        (f"confirmation {run.info.run_name}", run.data.tags.get("reason", ""))
        for run in stored.confirmed
        if run.info.status == "FAILED"
    ]
    expected = [f for f in failed if f[1].startswith("NonFiniteLossError")]
    if Fault.NAN in struck and expected:
        failed.remove(expected[0])
    elif Fault.NAN in undisturbed:
        return [Violation(Kind.WRONG, "a NaN was injected, but no trial failed")]
    return [Violation(Kind.LOST, f"{what} failed: {reason}") for what, reason in failed]


def _told_of_memory(stored: Stored) -> bool:
    runs = [*stored.confirmed, *(run for same in stored.runs.values() for run in same)]
    return any("memory" in run.data.tags.get("retried", "") for run in runs)
