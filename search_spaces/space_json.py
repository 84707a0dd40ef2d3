"""Search space as a document: a digest tells it from others, and a table needs no code for it."""

from dataclasses import asdict
from typing import Any

from optuna.distributions import distribution_to_json, json_to_distribution

from search_spaces.experiment import Experiment, PlannedComparison
from search_spaces.space import SearchSpace


def space_to_json(space: SearchSpace) -> dict[str, Any]:
    """Return a document that `json.dumps` accepts and `space_from_json` reads back equal."""
    experiment = {} if space.experiment is None else {"experiment": asdict(space.experiment)}
    return {
        "name": space.name,
        "summary": space.summary,
        # Lists of pairs: samplers and grids follow the order of axes and variants.
        "axes": [[name, distribution_to_json(axis)] for name, axis in space.axes.items()],
        "fixed": dict(space.fixed),
        "grid": {name: list(values) for name, values in space.grid.items()},
        "variants": [[name, dict(settings)] for name, settings in space.variants.items()],
        "is_grid": space.is_grid,
        **experiment,  # spaces without one keep the digest that they had before there were any
    }


def space_from_json(document: Any) -> SearchSpace:  # noqa: ANN401  # any JSON
    """Read what `space_to_json` wrote.

    Raises:
        ValueError: It is malformed.
    """
    try:
        return SearchSpace(
            name=document["name"],
            summary=document["summary"],
            axes={name: json_to_distribution(axis) for name, axis in document["axes"]},
            fixed=document["fixed"],
            grid={name: tuple(values) for name, values in document["grid"].items()},
            variants=dict(document["variants"]),
            is_grid=document["is_grid"],
            experiment=_experiment(document.get("experiment")),
        )
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"the space cannot be read: {type(error).__name__}: {error}") from error


def _experiment(document: Any) -> Experiment | None:  # noqa: ANN401  # any JSON
    if document is None:
        return None
    comparisons = tuple(PlannedComparison(**comparison) for comparison in document["comparisons"])
    return Experiment(comparisons=comparisons, seeds=document["seeds"])
