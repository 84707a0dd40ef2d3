"""Choices of a reader in a view, as a form."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboards.elements.quantity import Quantity, metric_quantities
from dashboards.live.aria import aria
from dashboards.view_options import OPTIONS, Option, ViewOptions
from dashboards.views import View
from pnn_core.config import Task

Choices = Sequence[tuple[str, str]]
"""Value and label of each choice; the empty value stands for the default."""


def controls(
    view: View,
    options: ViewOptions,
    settings: Sequence[Quantity],
    defaults: Mapping[str, str],
    task: Task,
    beside: Sequence[Component] = (),
) -> Component:
    """Return a labelled choice for each option of a view.

    Args:
        view: View that is shown.
        options: Options as they stand.
        settings: Settings that the study searches: they are among the choices.
        defaults: Names of what is shown where nothing is chosen, by option.
        task: Task of the study, whose metrics are among the choices.
        beside: Fields that follow them.
    """
    chosen = options.query()
    kinds = {"settings": settings, "metrics": metric_quantities(task=task)}
    return html.Form(
        [
            *(
                _control(name, _with_default(name, defaults), kinds, chosen.get(name, ""))
                for name in view.options
            ),
            *beside,
        ],
        className="controls",
        **aria(label="What to show"),
    )


def quick_filter(table: str) -> Component:
    """Return a field that leaves the rows of a table that hold a text (`assets/moves.js`).

    It is a look at one table, and no state of the page: addresses and pictures know nothing of it.

    Args:
        table: Key of the table.
    """
    field = dcc.Input(
        id={"quick": table}, type="search", placeholder="such as failed", autoComplete="off"
    )
    return html.Label([html.Span("Rows that contain"), field])


def _choices(option: Option, kinds: Mapping[str, Sequence[Quantity]]) -> Choices:
    if option.choices:
        return option.form_choices()
    quantities = [quantity for kind in option.quantities for quantity in kinds[kind]]
    return (("", option.usual), *((quantity.name, quantity.short) for quantity in quantities))


def _with_default(name: str, defaults: Mapping[str, str]) -> Option:
    """Return an option that names its default, not only that it is one."""
    option = OPTIONS[name]
    return option._replace(usual=f"{defaults[name]} (default)") if name in defaults else option


def _control(
    name: str, option: Option, kinds: Mapping[str, Sequence[Quantity]], value: str
) -> Component:
    if option.is_typed:
        return _typed(name, option, value)
    return _choice(name, option, _choices(option, kinds), value)


def _typed(name: str, option: Option, value: str) -> Component:
    return html.Label(
        [
            html.Span(f"{option.label}, {option.usual}"),
            dcc.Input(id={"control": name}, value=value, debounce=True, type="text"),
        ],
        className="wide",
    )


def _choice(name: str, option: Option, choices: Choices, value: str) -> Component:
    known = [choice for choice, _ in choices]
    # A shared address may name what is no usual choice: it is shown as it is.
    extra = () if value in known else ((value, value),)
    return html.Label(
        [
            html.Span(option.label),
            dcc.Dropdown(
                id={"control": name},
                options=[{"value": v, "label": label} for v, label in (*choices, *extra)],
                value=value,
                clearable=False,
                searchable=len(choices) > 10,
            ),
        ]
    )
