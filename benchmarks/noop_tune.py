"""Ray Tune alone: trials that do nothing, one after another in the same worker processes.

Nothing is logged, searched or kept: what a trial costs here, it costs in every study by Tune.

Usage: noop_tune.py TRIALS
"""

import logging
import os
import sys
import tempfile

os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"

import ray
from ray import tune


class NoopTrainable(tune.Trainable):
    """Reports once."""

    def reset_config(self, new_config: dict[str, object]) -> bool:
        """Take the next trial."""
        return True

    def step(self) -> dict[str, object]:
        """The only report."""
        return {"val_accuracy": 0.5, "done": True}


def main() -> None:
    """Run as many trials as the command line says."""
    trials = int(sys.argv[1])
    ray.init(
        address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    with tempfile.TemporaryDirectory() as scratch:
        tuner = tune.Tuner(
            tune.with_resources(NoopTrainable, {"cpu": 1}),
            param_space={
                "mask_count": tune.choice([8, 16, 24, 32, 48]),
                "noise_level": tune.loguniform(0.01, 5.0),
                "fan_out": tune.choice([1, 2, 4, 8]),
                "batch_size": tune.choice([10, 20, 40, 80]),
            },
            tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=scratch,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        results = tuner.fit()
    ended = sum(results[i].metrics is not None for i in range(len(results)))
    if ended != trials:
        raise RuntimeError(f"{ended} of {trials} trials ended")


if __name__ == "__main__":
    main()
