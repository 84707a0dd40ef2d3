"""Key of a trial, as people type it."""

import re
from typing import NamedTuple


class TrialKey(NamedTuple):
    """Trial of a study, spelt `NAME:TRIAL`.

    Attributes:
        study: Name of the study.
        number: The trial's, counted from 0.
    """

    study: str
    number: int

    def __str__(self) -> str:
        return f"{self.study}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> "TrialKey":
        """Read what `str` gives.

        Raises:
            ValueError: It is malformed; says what is accepted.
        """
        found = re.fullmatch(r"(.+):([0-9]{1,9})", text)
        if found is None:
            raise ValueError(
                f"{text!r} must be NAME:TRIAL, a study's name and the number of one of its trials, "
                "such as honest:17"
            )
        return cls(study=found[1], number=int(found[2]))
