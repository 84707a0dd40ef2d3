"""Check that a log can be written, before anything is created."""

from importlib.util import find_spec

from study.command_line import blaming
from study.results.setting_readers import WANDB


def require_log(name: str | None) -> None:
    """Make sure that the package and the account are there which a log needs.

    Args:
        name: Name of the log; None for none.

    Raises:
        BadInputError: They are not; says how to get them.
    """
    if name != WANDB:
        return
    with blaming("--log", name):
        if find_spec("wandb") is None:
            raise ValueError("needs the Python package wandb: pip install 'pnn-study[wandb]'")
        from study.results.logs.wandb_log import missing_account

        if missing := missing_account():
            raise ValueError(missing)
