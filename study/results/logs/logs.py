"""Logs by their names in `--log`."""

from study.results.logs.tensorboard_log import TensorBoardLog
from study.results.logs.trial_log import TrialLog
from study.results.logs.wandb_log import WandbLog
from study.results.setting_readers import TENSORBOARD, WANDB

LOGS: dict[str, type[TrialLog]] = {TENSORBOARD: TensorBoardLog, WANDB: WandbLog}
"""Kinds of logs; any other name stands for none."""
