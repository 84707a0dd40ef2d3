"""How one trial is run again, as it can be typed."""

import shlex

from study.results.mask_secrets import mask_password
from study.results.study_info import StudyInfo
from study.results.trial_key import TrialKey

FROM_A_FOLDER = ("imagefolder", "imagenet100")
"""Data sets that lie where their owner put them."""


def rerun_command(name: str, number: int, info: StudyInfo, tracking_uri: str | None) -> str:
    """The command that runs just this trial again, in any shell where the package is installed.

    Args:
        name: Of the study.
        number: Of the trial.
        info: Of the study. Where its images come from a folder, which no tracker knows, `DIR`
            stands in its place.
        tracking_uri: As the study was found; its password is masked. None for MLflow's own rule.
    """
    words = ["python", "-m", "study.run", "--rerun", str(TrialKey(name, number))]
    if tracking_uri is not None:
        words += ["--tracking-uri", mask_password(tracking_uri)]
    if info.dataset in FROM_A_FOLDER:
        words += ["--data-dir", "DIR"]
    return shlex.join(words)
