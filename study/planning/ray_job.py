"""Study within a Ray job (`ray job submit`): its cluster and its folder."""

import os
from dataclasses import replace
from pathlib import Path

from study.command_line import BadInputError
from study.planning.arguments import Arguments
from study.program import JOB_SETTINGS
from study.results.resources import OF_A_CLUSTER, RAY_ADDRESS
from study.results.setting import flag_of

EVICTED = "runtime_resources"
"""Name of the folder in Ray's session in which jobs work, and from which it deletes what is old."""


def with_ray_address(arguments: Arguments) -> Arguments:
    """Return options with the cluster that the environment names, unless one was typed.

    Raises:
        BadInputError: The environment names no cluster but its dashboard.
    """
    address = os.environ.get(RAY_ADDRESS)
    if not address or "address" in arguments.typed:
        return arguments
    if address.startswith(("http://", "https://")):
        raise BadInputError(
            f"{RAY_ADDRESS} {address}: is the address of Ray's dashboard, which takes jobs: "
            "accepted are host:port and auto; --address local trains on this machine"
        )
    return replace(arguments, address=address, typed=arguments.typed | {"address"})


def require_cluster(arguments: Arguments) -> None:
    """Refuse what only a cluster has where the study trains on this machine alone.

    Raises:
        BadInputError: Names the first such option.
    """
    if arguments.address is not None:
        return
    for name in OF_A_CLUSTER:
        value = getattr(arguments, name)
        if value is not None:
            raise BadInputError(
                f"{flag_of(name)} {value}: is of a cluster that --address names, not of this "
                "machine alone"
            )


def require_lasting_tracker(tracking_uri: str | None) -> None:
    """Refuse MLflow's own place where that is the folder of a Ray job, which Ray deletes.

    Raises:
        BadInputError: No tracker is named, and the job works in such a folder.
    """
    is_named = tracking_uri is not None or os.environ.get("MLFLOW_TRACKING_URI")
    if not is_named and EVICTED in Path.cwd().parts and JOB_SETTINGS in os.environ:
        raise BadInputError(
            "--tracking-uri: none is named, and MLflow's own place lies in the folder of a Ray "
            "job, which Ray deletes: name a server, or sqlite:////FOLDER/mlflow.db on storage that "
            "stays"
        )


def require_lasting_folder(output: Path) -> None:
    """Refuse a folder that Ray deletes once the job that works in it has ended.

    Raises:
        BadInputError: The study's folder lies there.
    """
    if EVICTED in output.resolve().parts and JOB_SETTINGS in os.environ:
        raise BadInputError(
            f"--output {output}: lies in the folder of a Ray job, which Ray deletes: name one that "
            "stays, on storage that the next job sees, too (and --checkpoints FOLDER or URL where "
            "workers are on other machines)"
        )
