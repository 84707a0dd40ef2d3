"""Ends of a study that a script is told by an exception; a terminal prints their sentence."""

from study.results.mask_secrets import mask_password


class _UnfinishedStudy(BaseException):
    """End of a study that can go on.

    Args:
        name: Name of the study.
        said: Sentence on its end, without a full stop.
        resume: Command that goes on with it.

    Attributes:
        name: Name of the study.
        resume: Command that goes on with it; `run_study(resume=True, name=...)` does the same.
    """

    def __init__(self, name: str, said: str, resume: str) -> None:
        super().__init__(mask_password(f"{said}; go on by: {resume}"))
        self.name = name
        self.resume = mask_password(resume)


class StudyInterrupted(_UnfinishedStudy, KeyboardInterrupt):
    """Interrupt of a study whose state has been saved."""


class StudyFailedError(_UnfinishedStudy, RuntimeError):
    """Failure of a study; what was saved before is intact."""
