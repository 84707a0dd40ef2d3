"""Resources of a study, and the readers of their amounts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from study.results.setting import Group, OnResume, option

NODE_SECONDS = 600
"""Time that a cluster without any CPU, as one that grows from a head alone, is waited for."""


_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""Value of a label as Ray takes it; its operators, such as `!spot`, are no values."""

_LABEL_NAME = re.compile(rf"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?/)?{_LABEL_VALUE.pattern}")

OF_A_CLUSTER = ("wait_for_nodes", "min_workers", "node_labels", "confirm_node_labels")
"""Names of options that only a cluster has, which `address` names."""

RAY_ADDRESS = "RAY_ADDRESS"
"""Name of the variable that Ray's own programs read a cluster's address from."""


def read_gpus(text: str) -> float | None:
    """Read a number of GPUs, or None for `auto`.

    Raises:
        ValueError: It is no share of a GPU and no number of them.
    """
    if text == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or (value > 1 and value != int(value)):
        raise ValueError(f"{text!r} must be auto, a fraction from 0 to 1 or a whole number")
    return value


def read_address(text: str) -> str | None:
    """Read the address of a Ray cluster, or None for `local`, this machine."""
    return None if text == "local" else text


def read_gibibytes(text: str) -> float:
    """Read an amount of memory.

    Raises:
        ValueError: It is no number above 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{text!r} must be a number of GiB above 0")
    return value


def read_amounts(text: str) -> str:
    """Read amounts of resources that nodes were given names for, such as `spot=1`.

    Raises:
        ValueError: An amount is no number above 0, or a name is missing or one of Ray's own.
    """
    amounts(text)
    return text


def amounts(text: str | None) -> dict[str, float]:
    """Return the amount of each resource in a text such as `spot=1,fast_disk=0.5`.

    Raises:
        ValueError: An amount is no number above 0, or a name is missing or one of Ray's own.
    """
    found: dict[str, float] = {}
    for name, amount, part in _pairs(text):
        try:
            found[name] = float(amount)
        except ValueError:
            found[name] = 0.0
        if not name or not 0 < found[name] < float("inf"):
            raise ValueError(f"{part!r} must be NAME=X with X above 0, such as spot=1")
        if name.upper() in {"CPU", "GPU", "MEMORY"}:
            raise ValueError(
                f"{part!r}: --{name.lower()}{'s' * (len(name) == 3)}-per-trial says it"
            )
    return found


def read_labels(text: str) -> str:
    """Read labels of nodes, such as `ray.io/market-type=spot`.

    Raises:
        ValueError: A label is no pair of a name and a value.
    """
    labels(text)
    return text


def labels(text: str | None) -> dict[str, str]:
    """Return the value of each label in a text such as `ray.io/market-type=spot,zone=a`.

    Raises:
        ValueError: A label is no pair of a name and a value, as Ray takes them.
    """
    found: dict[str, str] = {}
    for name, value, part in _pairs(text):
        if not _LABEL_NAME.fullmatch(name) or not _LABEL_VALUE.fullmatch(value):
            raise ValueError(
                f"{part!r} must be NAME=VALUE of letters, digits, '.', '_' and '-', such as "
                "ray.io/market-type=spot"
            )
        found[name] = value
    return found


def _pairs(text: str | None) -> Iterator[tuple[str, str, str]]:
    """Give name, value and both as typed, of a text such as `zone=a,disk=fast`.

    Raises:
        ValueError: Nothing was said, as by a variable that is not set, or a name stands twice.
    """
    if text is None:
        return
    names = set()
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if not part.strip():
            raise ValueError(f"{text!r} must be NAME=VALUE, or several with a comma between them")
        if name in names:
            raise ValueError(f"{text!r} has {name} twice: say it once")
        names.add(name)
        yield name, value, part


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Cluster of a study, what one trial may use of it, and how many trials run at once."""

    address: str | None = option(
        None,
        group=Group.RESOURCES,
        metavar="HOST:PORT",
        help="a running Ray cluster, or local: this machine (default: RAY_ADDRESS, as within a Ray "
        "job, else local)",
        read=read_address,
        variable=RAY_ADDRESS,
        on_resume=OnResume.FREE,
    )
    cpus_per_trial: int = option(
        1,
        group=Group.RESOURCES,
        metavar="N",
        help="CPU cores of a trial (default: 1)",
        least=1,
        on_resume=OnResume.FREE,
    )
    gpus_per_trial: float | None = option(
        None,
        group=Group.RESOURCES,
        metavar="X",
        help="GPUs or a fraction of one, or auto (default): as the largest trial's measured memory "
        "allows, where there are any",
        read=read_gpus,
        least=0,
        on_resume=OnResume.FREE,
    )
    max_concurrent: int | None = option(
        None,
        group=Group.RESOURCES,
        metavar="N",
        help="trials at once (default: as many as fit)",
        least=1,
        on_resume=OnResume.FREE,
    )
    memory_per_trial: float | None = option(
        None,
        group=Group.RESOURCES,
        metavar="GIB",
        help="memory that Ray reserves for a trial, so that nodes take no more trials than they "
        "have memory for (default: none)",
        read=read_gibibytes,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
    resources_per_trial: str | None = option(
        None,
        group=Group.RESOURCES,
        metavar="NAME=X,NAME=Y",
        help="resources of nodes that were started with these names, such as spot=1",
        read=read_amounts,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
    node_labels: str | None = option(
        None,
        group=Group.RESOURCES,
        metavar="NAME=VALUE,…",
        help="labels of the nodes that train trials, with --address, such as "
        "ray.io/accelerator-type=H100 (default: any node)",
        read=read_labels,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
    confirm_node_labels: str | None = option(
        None,
        group=Group.RESOURCES,
        metavar="NAME=VALUE,…",
        help="labels of the nodes that train the confirmation, such as "
        "ray.io/market-type=on-demand (default: those of --node-labels)",
        read=read_labels,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
    wait_for_nodes: int | None = option(
        None,
        group=Group.RESOURCES,
        metavar="SECONDS",
        help="time to wait, with --address, for nodes that can train a trial (default: "
        f"{NODE_SECONDS} where the cluster has no CPU yet, else 0)",
        least=0,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
    min_workers: int | None = option(
        None,
        group=Group.RESOURCES,
        metavar="N",
        help="begin, with --address, once N nodes can train a trial (default: 1)",
        least=1,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
