"""Training on Ray, and the only code that imports it.

- `cluster`: connection, resources and what all workers share
- `tune`: Ray Tune, which trains whatever a run manager proposes
- `interrupts`: Ctrl-C and a cluster's preemption
- `failure_reasons`: reasons why an attempt at a run broke off, in words

Trials, replicates and confirmations live one life: a manager of `study.search` proposes runs and
records what becomes of them, and `tune.tuner` trains them.
"""

import logging
import os

# Ray reads these when it is imported. Usage statistics would go out over the network; Tune's own
# per-trial files would repeat what MLflow holds.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
# A study is never resumed from Tune's own snapshots, each of which writes all trials anew.
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", str(365 * 24 * 3600))
# The study itself tells of a worker's death in one line, and of what became of a trial.
os.environ.setdefault("TUNE_PRINT_ALL_TRIAL_ERRORS", "0")
logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
# The study itself reports progress; only Tune's older reporter can be silenced.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
# Trials without a GPU leave the device variables alone, as they will by Ray's default.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# Ctrl-C ends the study where it runs, instead of being swallowed by Tune.
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
