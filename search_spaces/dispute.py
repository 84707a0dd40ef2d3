"""Path from the published code to the reproduction that disputed it, one switch at a time."""

from collections.abc import Iterator

from pnn_core.config import PARAMETER_NAMES, DatasetShape, ParameterValue, TrialConfig
from pnn_core.recipes import klachko, original, update
from search_spaces.setting_names import CHOSEN_ELSEWHERE
from search_spaces.space import SearchSpace

SWITCHES = (
    ("optimizer", "momentum"),  # Adam has no momentum of its own to set
    ("schedule",),
    ("noise_level",),
    ("stem",),
    ("learning_rate",),
    ("batch_size",),
    ("order",),
    ("before_addition",),
)
"""Order of the changes. Training before the network, so that the walk passes the two results that
the reproduction reports of the authors' own network: its result 2, 85.7%, once optimiser, schedule
and noise level have changed, and its result 3, 86.2%, with the first layer changed as well."""


Settings = dict[str, ParameterValue]

_TORCH: Settings = {"initialisation": "torch"}


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """List variants from `original` to `klachko`, each with one switch more, and `update`.

    The difference between a variant and the one before it is what that switch costs or gains. The
    three recipes draw their initial weights alike, but not as torch does: the walk begins one step
    before `original`, at the same recipe with torch's default, and goes on one step behind
    `klachko`, back to it, so that both ends show what the published initialisation is worth. The
    recipes and their sources are in `pnn_core.recipes`; their epochs give way to the study's.
    """
    override = {"network": network} if network is not None else {}
    recipes = (make(dataset).with_parameters(override) for make in (original, klachko, update))
    start, end, answer = map(_settings, recipes)
    variants = {
        "original, torch initialisation": {**start, **_TORCH},
        **dict(_walk(start, end)),
        "klachko, torch initialisation": {**end, **_TORCH},
        "update": answer,
    }
    common = {
        name: value
        for name, value in start.items()
        if all(name in other and other[name] == value for other in variants.values())
    }
    return SearchSpace(
        name="dispute",
        summary="the three published recipes, and one switch at a time from original to klachko",
        fixed=common,
        variants={
            variant: {name: value for name, value in settings.items() if name not in common}
            for variant, settings in variants.items()
        },
        is_grid=True,
    )


def _settings(recipe: TrialConfig) -> Settings:
    return {n: value for n, value in recipe.parameters().items() if n not in CHOSEN_ELSEWHERE}


def _walk(start: Settings, end: Settings) -> Iterator[tuple[str, Settings]]:
    """Give each variant's name and settings, `end` last; unforeseen differences come late."""
    differing = {name: value for name, value in end.items() if start.get(name) != value}
    steps = []
    for switch in (*SWITCHES, *((name,) for name in PARAMETER_NAMES)):
        change = {name: differing.pop(name) for name in switch if name in differing}
        if change:
            steps.append(change)
    yield "original", start
    settings = start
    for number, change in enumerate(steps, start=1):
        settings = {**settings, **change}
        name, value = next(iter(change.items()))
        yield f"+ {name} {value}" + (" = klachko" if number == len(steps) else ""), settings
