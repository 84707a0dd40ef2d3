"""The only code that imports Ray.

- `search`: Ray Tune trains what the trial manager proposes
- `storage`: the study's one truth, in Optuna
- `manager`: where a trial begins, reports and ends, in Optuna, the records and the tracker alike
- `sampler`: Optuna's samplers, kept from repeating themselves
- `searcher`, `scheduler`, `recorder`: Tune's three ends of the trial manager
- `study_rungs`: where trials are stopped early, over all lives of the study
- `messages`: what travels between the driver and its workers
- `trainable`: what runs in worker processes
- `checkpoint_store`, `worker_checkpoint`, `checkpoint_sweeper`: where checkpoints lie, when workers
  write them, and how the driver clears up
- `actor_deaths`, `warm_workers`: workers that Ray ended, made known to Tune; and those that have
  imported torch before the first trial, given to it
- `stop_flag`: how workers learn that the study stops
- `confirm_plan`, `confirmation`, `confirm_worker`: fresh seeds for the front and its controls, and
  Ray running them
- `cluster`, `shared_storage`: Ray itself, and what its nodes share
"""

import logging
import os

# Ray reads these when it is imported. Usage statistics would go out over the network; Tune's own
# per-trial files would repeat what MLflow holds.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
# Nor is a study ever resumed from Tune's own snapshots, each of which writes all trials anew.
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", str(365 * 24 * 3600))
# A worker's death is told in one line by the study itself, and what became of a trial as well.
os.environ.setdefault("TUNE_PRINT_ALL_TRIAL_ERRORS", "0")
logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
# Progress is reported by the study itself; only Tune's older reporter can be silenced.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
# A trial without a GPU leaves the device variables alone: as Ray will by default.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# Ctrl-C ends the study where it runs, instead of being swallowed by Tune.
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
