"""Command, as it can be typed, that runs a study like another one with a confirmation."""

import shlex

from study.results.study_info import StudyInfo
from study.results.trial_key import TrialKey

SEEDS = 8
"""Number of fresh seeds that is offered: enough for six comparisons by an exact sign-flip test."""


def confirming_command(info: StudyInfo) -> str:
    """The command of a new study of the same space and budget that confirms its front.

    Args:
        info: Study that has none.
    """
    words = ["python", "-m", "study.run"]
    try:
        words += ["--rerun", str(TrialKey.parse(info.space))]  # it is one trial of another study
    except ValueError:
        words += ["--space", info.space, "--dataset", info.dataset]
        words += ["--trials", str(info.trials), "--epochs", str(info.epochs)]
    return shlex.join([*words, "--confirm", str(SEEDS)])
