"""Tables of the views, for the live page and for an exported one."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.picture import Cell, Columns
from dashboards.elements.quantity import Quantity, objective_quantity
from dashboards.scene import Scene
from study.results.plural import counted
from study.results.run_record import RunRecord


class ViewTable(NamedTuple):
    """Table of raw values.

    Attributes:
        key: Key among the tables of a page.
        title: Title, as plain text.
        headers: Header of each column by its name, in their order.
        columns: Values of each column by its name; None where there is none.
        quantities: Quantities of the columns that hold one, by name.
    """

    key: str
    title: str
    headers: Mapping[str, str]
    columns: Columns
    quantities: Mapping[str, Quantity] = {}

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """Values row by row."""
        return list(zip(*(self.columns[name] for name in self.headers), strict=True))

    def text(self, name: str, value: Cell) -> str:
        """Return a value of a column for people."""
        if name in self.quantities:
            return self.quantities[name].format(value)
        if value is None:
            return "–"
        return f"{value:.4g}" if isinstance(value, float) else str(value)


def front_table(scene: Scene) -> ViewTable:
    """Tabulate the trials of the front, or those of them that the reader has brushed."""
    trials, selected = complete_trials(scene.study), scene.selected
    place = {number: i for i, number in enumerate(trials.numbers)}
    shown = [number for number in trials.front if selected is None or number in selected]
    quantities = {quantity.name: quantity for quantity in (*trials.searched, *trials.metrics)}
    columns: dict[str, Sequence[Cell]] = {"trial": shown}
    for name, quantity in quantities.items():
        column = trials.axis(quantity) if quantity.is_metric else trials.column(quantity)
        columns[name] = [column[place[number]] for number in shown]
    return ViewTable(
        key="front",
        title="The front" if selected is None else "The front within the brush",
        headers={"trial": "trial"} | {name: q.short for name, q in quantities.items()},
        columns=columns,
        quantities=quantities,
    )


def trials_table(scene: Scene) -> ViewTable:
    """Tabulate every trial, or those that brush and query leave: how it ended, and with what."""
    study, selected = scene.study, scene.selected
    records = [r for r in study.records if selected is None or r.number in selected]
    trials = complete_trials(study)
    objectives = [objective_quantity(objective) for objective in study.info.objectives]
    quantities = {quantity.name: quantity for quantity in (*objectives, *trials.searched)}
    columns: dict[str, Sequence[Cell]] = {
        "trial": [record.number for record in records],
        "state": [record.state.words for record in records],
        **{name: _numbers(quantity, records) for name, quantity in quantities.items()},
        "reason": [record.reason for record in records],
    }
    headers = {name: quantity.short for name, quantity in quantities.items()}
    return ViewTable(
        key="trials",
        title=f"{counted(len(records), 'trial')} of {len(study.records)}",
        headers={"trial": "trial", "state": "state", **headers, "reason": "reason"},
        columns=columns,
        quantities=quantities,
    )


def _numbers(quantity: Quantity, records: Sequence[RunRecord]) -> list[Cell]:
    """Return the values of a quantity; None for what is no finite number, and no text."""
    values = (quantity.of(record) for record in records)
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]


def named_table(key: str, title: str, columns: Columns) -> ViewTable:
    """Return a table whose headers are the names of its columns."""
    return ViewTable(key, title, {name: name.replace("_", " ") for name in columns}, columns)
