"""Command, as it can be typed, that runs one trial again."""

import shlex

from study.results.mask_secrets import mask_password
from study.results.study_info import StudyInfo
from study.results.trial_key import TrialKey

FROM_A_FOLDER = ("imagefolder", "imagenet100", "shards", "voc2007", "vocfolder")
"""Data sets that lie where their owner put them."""


def rerun_command(name: str, number: int, info: StudyInfo, tracking_uri: str | None) -> str:
    """The command that runs just this trial again, in any shell where the package is installed.

    Args:
        name: Name of the study.
        number: Number of the trial.
        info: Study of the trial. Where its images come from a folder, which no tracker knows, `DIR`
            stands in its place.
        tracking_uri: Address of the study's tracker; its password is masked. None for MLflow's
            own rule.
    """
    words = ["python", "-m", "study.run", "--rerun", str(TrialKey(name, number))]
    if tracking_uri is not None:
        words += ["--tracking-uri", mask_password(tracking_uri)]
    if info.dataset in FROM_A_FOLDER:
        words += ["--data-dir", "DIR"]
    return shlex.join(words)
