"""State of the page as the query of its URL, so that a view can be shared."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from dashboards.view_options import ViewOptions
from dashboards.views import VIEWS

FIRST_VIEW = next(iter(VIEWS))

ALL_STUDIES = "studies"
"""View of all studies of the tracker, in the place of one that shows some of them."""

STUDY_COLUMNS = ("study", "state", "trials", "best", "hypervolume", "when", "data", "space")
"""Columns of the table of all studies: it may be sorted by each, downwards with a minus sign."""

MOST_STUDIES = 24
"""Number of studies that one address may name."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """One state of the page.

    Attributes:
        studies: Names: the one looked at, then those beside it. Empty for the latest one.
        view: Name of the view whose question is answered.
        trial: Number of the trial that is opened; None for none.
        options: Choices of the reader in the view.
        sort: Column that all studies are sorted by, such as `best`, or `-best` for downwards; empty
            for the latest first.
    """

    studies: tuple[str, ...] = ()
    view: str = FIRST_VIEW
    trial: int | None = None
    options: ViewOptions = field(default_factory=ViewOptions)
    sort: str = ""

    def __str__(self) -> str:
        """Spell it with its question mark; what is left at its default is left out."""
        pairs = [("study", name) for name in self.studies]
        if self.view != FIRST_VIEW:
            pairs.append(("view", self.view))
        if self.trial is not None:
            pairs.append(("trial", str(self.trial)))
        if self.sort:
            pairs.append(("sort", self.sort))
        return "?" + urlencode([*pairs, *self.options.query().items()])

    @classmethod
    def parse(cls, query: str) -> "Address":
        """Read what `str` gives.

        Args:
            query: Query with or without its question mark.

        Raises:
            ValueError: A value is not one of those accepted.
        """
        pairs = parse_qsl(query.removeprefix("?"))
        last = dict(pairs)
        view, trial = last.get("view", FIRST_VIEW), last.get("trial")
        if view not in (known := (*VIEWS, ALL_STUDIES)):
            raise ValueError(f"there is no view {view!r}: there are {', '.join(known)}")
        if trial is not None and not (trial.isascii() and trial.isdigit()):
            raise ValueError(f"trial (={trial!r}) must be a number")
        sort = last.get("sort", "")
        if sort.removeprefix("-") not in ("", *STUDY_COLUMNS):
            raise ValueError(f"sort (={sort!r}) must be one of {', '.join(STUDY_COLUMNS)}")
        studies = tuple(dict.fromkeys(value for name, value in pairs if name == "study"))
        if len(studies) > MOST_STUDIES:
            raise ValueError(f"{len(studies)} studies are named: accepted are up to {MOST_STUDIES}")
        return cls(
            studies=studies,
            view=view,
            trial=None if trial is None else int(trial),
            options=ViewOptions.parse(last),
            sort=sort,
        )
