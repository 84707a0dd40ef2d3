"""Table 2: PNN against CNN on ImageNet-1k."""

from pnn_core.config import DatasetShape, ParameterValue
from pnn_core.recipes import original
from search_spaces.paper import first_layer
from search_spaces.setting_names import CHOSEN_ELSEWHERE
from search_spaces.space import SearchSpace

PNN_MASK_COUNT = 256
CNN_WIDTH = 64


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """List the table's four networks: ResNet-18 and -50, with 256 masks and as published.

    Our reading: the plain networks have the usual width, 64; the rest as in `search_spaces.paper`.
    A network that is asked for takes the place of both.
    """
    arms: dict[str, dict[str, ParameterValue]] = {
        f"{name} {layer}": {"network": name, "layer": layer, "mask_count": count}
        for name in (("resnet18", "resnet50") if network is None else (network,))
        for layer, count in (("perturbation", PNN_MASK_COUNT), ("conv3x3", CNN_WIDTH))
    }
    common: dict[str, ParameterValue] = {
        "stem": first_layer(dataset),
        "learning_rate": 1e-3,
        "schedule": "tenth_at_60_90",
    }
    runs = {
        name: original(dataset).with_parameters({**common, **arm}).parameters()
        for name, arm in arms.items()
    }
    first, *others = runs.values()
    fixed = {
        name: value
        for name, value in first.items()
        if name not in CHOSEN_ELSEWHERE
        and all(name in run and run[name] == value for run in others)
    }
    variants = {
        name: {n: v for n, v in run.items() if n not in {*fixed, *CHOSEN_ELSEWHERE}}
        for name, run in runs.items()
    }
    return SearchSpace(
        name="paper_table2",
        summary="PNN-ResNet-18 and -50 with 256 masks beside the plain ones (Table 2: ImageNet-1k)",
        fixed=fixed,
        variants=variants,
        is_grid=True,
    )
