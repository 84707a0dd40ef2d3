"""ARIA attributes of a component."""

from typing import Any


def aria(**attributes: str) -> Any:  # noqa: ANN401 - Dash's components know these names by no type
    """ARIA attributes as arguments of a component: `aria(label="Views")` is `aria-label`."""
    return {f"aria-{name}": text for name, text in attributes.items()}
