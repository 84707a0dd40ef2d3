"""Program that writes runs of Weights & Biases as it is told on its standard input.

wandb replaces `sys.exit` and `sys.excepthook` of the process that it works in, and that process
ends only when wandb's server has answered, however long it takes (90 s where it never does). So a
study has it in a process of its own, which may be ended at any time: wandb's own service ends with
it, and what it has written is on disk.

Nothing of this project is imported, so that it starts by its path wherever the project lies.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import wandb

PROJECT = "pnn-study"
"""Project of the runs where wandb's own settings name none."""

ENDED = "ended.txt"
"""Name of the file, in wandb's folder, with a line for each run that was written to its end."""

ACCOUNT = "account"
"""Word that asks, in the place of a folder, for what is missing to write runs at all."""

NO_KEY = (
    "there is no API key: type wandb login, set WANDB_API_KEY, or set WANDB_MODE=offline and send "
    "the runs later"
)


@dataclass(frozen=True, kw_only=True)
class RunUpdate:
    """News of a run.

    Attributes:
        run: Identity, the same in every life of the study.
        name: Name for people.
        config: Settings; empty where they are known.
        metrics: Metrics of an epoch, or the final ones.
        step: Number of the epoch, from 1; 0 where it is none.
        state: State in which the run ends, or pauses; empty while it goes on.
        final: True if nothing can follow.
        exit_code: Exit code of a run that ends, 1 if it failed.
    """

    run: str
    name: str = ""
    config: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    state: str = ""
    final: bool = False
    exit_code: int = 0


class Runs:
    """Runs of a study that are open, several at once.

    Args:
        folder: Folder in which wandb makes one of its own.
        group: Name of the study, which groups its runs.
    """

    def __init__(self, folder: Path, group: str) -> None:
        import wandb

        self._folder = folder / "wandb"
        self._group = group
        self._asked = wandb.setup().settings
        self._open: dict[str, wandb.Run] = {}
        # Send no code, no output, and no name of a machine or of its files.
        self._settings = wandb.Settings(
            root_dir=str(folder),
            use_dot_wandb=False,
            symlink=False,
            silent=True,
            console="off",
            save_code=False,
            disable_code=True,
            disable_git=True,
            disable_job_creation=True,
            host="",
            program="pnn-study",
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_disable_stats=True,
            x_save_requirements=False,
            stop_fn=_stay,
        )

    def write(self, update: RunUpdate) -> str:
        """Write what is new of a run.

        Returns:
            Address of the project's page; empty for runs that are kept on this machine.
        """
        if self._asked.mode == "disabled":
            return ""
        run = self._open.get(update.run)
        if run is None:
            run = self._begin(update)
        if update.state:
            self._end(run, update)
        elif update.metrics and update.step >= run.step:  # an earlier life may have sent it
            run.log(dict(update.metrics), step=update.step, commit=True)
        return "" if run.offline else run.project_url or ""

    def close(self) -> None:
        """End the runs of a study that broke off; its next life goes on with them."""
        for run in self._open.values():
            run.finish()

    def _begin(self, update: RunUpdate) -> "wandb.Run":
        import wandb

        self._remove_unsent(update.run)
        asked = self._asked
        run = wandb.init(
            id=update.run,
            project=asked.project or PROJECT,
            group=asked.run_group or self._group,
            name=asked.run_name or update.name,
            config=dict(update.config),
            resume="allow",
            reinit="create_new",
            settings=self._settings,
        )
        self._open[update.run] = run
        if run.resumed:
            run.tags = asked.run_tags or ()
        return run

    def _end(self, run: "wandb.Run", update: RunUpdate) -> None:
        run.summary.update(dict(update.metrics))
        run.tags = (*(self._asked.run_tags or ()), update.state)
        run.finish(exit_code=update.exit_code)
        del self._open[update.run]
        if update.final:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / ENDED).open("a", encoding="utf-8") as file:
                file.write(f"{update.run}\n")

    def _remove_unsent(self, run: str) -> None:
        """Remove what a life that broke off kept of a run on this machine, as it comes again."""
        for pattern in (f"offline-run-*-{run}", f"offline-run-*-{run}-*"):
            for place in self._folder.glob(pattern):
                if not [*place.glob("*.synced")]:
                    shutil.rmtree(place)


def missing_account() -> str:
    """Return what is missing to write runs, as the rest of a sentence; empty if nothing is."""
    import wandb

    if wandb.login(prompt=False, verify=False):
        return ""
    return NO_KEY if wandb.setup().settings.mode in ("online", "run", "shared") else ""


def read_ended(folder: Path) -> frozenset[str]:
    """Return the runs that were written to their end in earlier lives.

    Args:
        folder: Folder of the log.
    """
    with contextlib.suppress(OSError):
        return frozenset((folder / "wandb" / ENDED).read_text("utf-8").split())
    return frozenset()


def main(place: str, group: str = "") -> None:
    """Write what standard input tells, a JSON document a line, and answer on standard output.

    Answers are lines of two words in JSON: `address` and an address, or `failure` and a reason.

    Args:
        place: Folder of the log, or `ACCOUNT`.
        group: Name of the study.
    """
    told, answers = _own_streams()
    try:
        if place == ACCOUNT:
            _answer(answers, "failure", missing_account())
        else:
            _follow(map(str, told), answers, Path(place), group)
    except Exception as error:  # of any kind: the study goes on without its log
        said = " ".join(str(error).split()).partition(" [type=")[0]  # tail of pydantic's
        said = said or f"{type(error).__name__}, see {place}/wandb/*/logs"
        _answer(answers, "failure", said)
        os._exit(1)  # wandb would wait for its server


def _follow(told: Iterator[str], answers: TextIO, folder: Path, group: str) -> None:
    runs, address = None, ""
    for line in told:
        runs = runs or Runs(folder, group)
        found = runs.write(RunUpdate(**json.loads(line)))
        if found != address:
            _answer(answers, "address", address := found)
    if runs is not None:
        runs.close()


def _own_streams() -> tuple[TextIO, TextIO]:
    """Return standard input and output, which nothing that is started here has or writes to."""
    told = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    return told, answers


def _answer(answers: TextIO, kind: str, text: str) -> None:
    if text:
        print(json.dumps([kind, text]), file=answers, flush=True)


def _stay() -> None:
    """Do nothing where somebody stops a run on wandb's page: it would interrupt the process."""


if __name__ == "__main__":
    main(*sys.argv[1:])
