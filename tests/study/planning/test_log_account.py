"""A log that cannot be written is refused in a sentence, before anything is created."""

import os
import sys
from pathlib import Path

import pytest

from study.command_line import BadInputError
from study.planning.arguments import parse_arguments
from study.planning.log_account import require_log
from study.planning.new_study import plan_study
from study.results.setting_readers import NO_LOG, TENSORBOARD, WANDB


@pytest.fixture(autouse=True)
def no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "none" / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)


def test_a_study_without_an_api_key_is_refused_and_nothing_is_created(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as refusal:
        plan_study(parse_arguments(["--space", "noise_masks", "--log", "wandb"]))
    words = ("--log wandb: ", "wandb login", "WANDB_API_KEY", "WANDB_MODE=offline")
    assert all(word in str(refusal.value) for word in words)
    assert [*tmp_path.iterdir()] == []


def test_a_key_that_is_none_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "mysecret")
    with pytest.raises(BadInputError, match="--log wandb: WANDB_API_KEY invalid") as refusal:
        require_log(WANDB)
    assert "mysecret" not in str(refusal.value)


@pytest.mark.parametrize(
    "variable", [("WANDB_API_KEY", "0" * 40), ("WANDB_MODE", "offline"), ("WANDB_MODE", "disabled")]
)
def test_a_key_or_offline_mode_is_enough(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    require_log(WANDB)


def test_the_extra_is_named_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(BadInputError, match=r"--log wandb: .*pip install 'pnn-study\[wandb\]'"):
        require_log(WANDB)


def test_other_logs_need_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    for name in (None, NO_LOG, TENSORBOARD):
        require_log(name)
