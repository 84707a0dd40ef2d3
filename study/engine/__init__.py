"""The only code that imports Ray.

- `search`: Ray Tune trains what Optuna proposes
- `ledger`: where a trial begins, reports and ends, in Optuna, the records and the tracker alike
- `sampler`: Optuna's samplers, kept from repeating themselves
- `searcher`, `recorder`: Tune's two ends of the ledger
- `trainable`: what runs in worker processes
- `confirm_plan`, `confirmation`: fresh seeds for the front and its controls, and Ray running them
- `cluster`: Ray itself
"""

import os

# Ray reads these when it is imported. Usage statistics would go out over the network; Tune's own
# per-trial files would repeat what MLflow holds.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
# Progress is reported by the study itself; only Tune's older reporter can be silenced.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
# A trial without a GPU leaves the device variables alone: as Ray will by default.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# Ctrl-C ends the study where it runs, instead of being swallowed by Tune.
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
