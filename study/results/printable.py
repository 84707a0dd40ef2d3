"""Texts from elsewhere, such as file names and errors, made fit to be printed, stored and sent."""

import re

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Spell out control characters and bytes that are no UTF-8: `\x1b`, `\udcff`.

    Python holds such a byte of a file name as half of a pair, which no file, database or tracker
    takes; a control character would act on whoever's terminal it is printed.
    """
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
