"""Notes and tags of people on trials and studies, kept in MLflow, which shows them too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.study_note import NOTE_TAG

USER_TAG = "user."
"""Prefix of the tags that people set from a page: none of them is one that this platform reads."""

LONGEST_NOTE, LONGEST_VALUE, MOST_TAGS = 5000, 500, 50

_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Note and tags of a trial or a study.

    Attributes:
        note: Text in Markdown, MLflow's description of the run.
        tags: Tags by name, which MLflow has as `user.NAME`.

    Raises:
        ValueError: One of them is too long, or a name holds other characters.
    """

    note: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.note) > LONGEST_NOTE:
            raise ValueError(
                f"the note has {len(self.note)} characters: accepted are {LONGEST_NOTE}"
            )
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"there are {len(self.tags)} tags: accepted are {MOST_TAGS}")
        for name, value in self.tags.items():
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"the tag {name!r} must have a name of 1 to 40 letters, digits, _ and -"
                )
            if len(value) > LONGEST_VALUE:
                raise ValueError(
                    f"the tag {name} has {len(value)} characters: accepted are {LONGEST_VALUE}"
                )


class Annotations:
    """Annotations of a tracker's runs.

    Every method raises `TrackerUnreachableError` when the tracker fails.

    Args:
        connection: The tracker.
    """

    def __init__(self, connection: MlflowConnection) -> None:
        self._connection = connection

    def read(self, run_id: str) -> Annotation:
        """Return what people have noted of a run."""
        with self._connection.asking() as client:
            tags = client.get_run(run_id).data.tags
        return Annotation(note=tags.get(NOTE_TAG, "")[:LONGEST_NOTE], tags=_of_people(tags))

    def write(self, run_id: str, annotation: Annotation) -> None:
        """Put a note and tags in the place of those of a run."""
        with self._connection.asking() as client:
            before = _of_people(client.get_run(run_id).data.tags)
            client.set_tag(run_id, NOTE_TAG, annotation.note)
            for name, value in annotation.tags.items():
                client.set_tag(run_id, USER_TAG + name, value)
            for name in before.keys() - annotation.tags.keys():
                client.delete_tag(run_id, USER_TAG + name)


def _of_people(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that people set; one that another tool made too large is cut."""
    found = {n.removeprefix(USER_TAG): v for n, v in tags.items() if n.startswith(USER_TAG)}
    named = {name: value[:LONGEST_VALUE] for name, value in found.items() if _NAME.fullmatch(name)}
    return dict([*named.items()][:MOST_TAGS])
