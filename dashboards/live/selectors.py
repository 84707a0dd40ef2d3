"""What a reader may choose in a view."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboards.elements.quantity import Quantity, metric_quantities
from dashboards.live.aria import aria
from dashboards.view_options import ViewOptions
from dashboards.views import View

Choices = Sequence[tuple[str, str]]
"""Value and label of each choice; the empty value stands for what is usual."""

_LABELS = {
    "x": "Horizontal axis",
    "y": "Vertical axis",
    "z": "Third axis",
    "colour": "Colour",
    "log_x": "Horizontal scale",
    "log_y": "Vertical scale",
    "parameter": "Setting",
    "second": "Second setting",
    "metric": "Metric",
    "evaluator": "Importance by",
    "over": "Hypervolume against",
}
_SCALES: Choices = (("", "usual"), ("yes", "logarithmic"), ("no", "linear"))
_FIXED: dict[str, Choices] = {
    "log_x": _SCALES,
    "log_y": _SCALES,
    "metric": (
        ("", "validation accuracy"),
        ("val_loss", "validation loss"),
        ("train_loss", "training loss"),
    ),
    "evaluator": (("", "PED-ANOVA"), ("fanova", "fANOVA")),
    "over": (("", "trials ended"), ("seconds", "wall time")),
}


def controls(view: View, options: ViewOptions, settings: Sequence[Quantity]) -> Component:
    """A labelled choice for each option of a view.

    Args:
        view: That is shown.
        options: As they stand.
        settings: Those that the study searches: they are among the choices.
    """
    chosen = options.query()
    return html.Form(
        [
            _choice(name, choices, chosen.get(name, ""))
            for name in view.controls
            if (choices := _choices(name, settings))
        ],
        className="controls",
        **aria(label="What to show"),
    )


def _choices(name: str, settings: Sequence[Quantity]) -> Choices:
    if name in _FIXED:
        return _FIXED[name]
    quantities = settings
    if name in ("x", "y", "z"):
        quantities = metric_quantities()
    elif name == "colour":
        quantities = (*settings, *metric_quantities())
    usual = ("", "none" if name == "z" else "usual")
    return (usual, *((quantity.name, quantity.short) for quantity in quantities))


def _choice(name: str, choices: Choices, value: str) -> Component:
    known = [choice for choice, _ in choices]
    # A shared address may name what is no usual choice: it is shown as it is.
    extra = () if value in known else ((value, value),)
    return html.Label(
        [
            html.Span(_LABELS[name]),
            dcc.Dropdown(
                id={"control": name},
                options=[{"value": v, "label": label} for v, label in (*choices, *extra)],
                value=value,
                clearable=False,
                searchable=len(choices) > 10,
            ),
        ]
    )
