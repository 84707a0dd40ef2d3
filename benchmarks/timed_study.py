"""`python -m study.run`, with a clock around each epoch and nothing else changed.

A study's own record of an epoch holds its wall time, but not the processor time that an overhead
is measured against.

Usage: timed_study.py CLOCK.jsonl ARGUMENTS OF study.run
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from study import run
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune import tuner
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.worker_images import WorkerImages


class TimedTrainable(TrialTrainable):
    """Writes a line `WALL CPU`, in seconds, for each epoch.

    Attributes:
        clock_file: File that workers append to.
    """

    clock_file: Path

    def setup(  # type: ignore[override]  # as in the class it stands for
        self, config: dict[str, Any], images: WorkerImages, settings: WorkerSettings
    ) -> None:
        """Put the clock into this worker process, where it stays."""
        super().setup(config, images, settings)
        from pnn_core.training.validated_run import ValidatedRun

        clock_file, next_epoch = self.clock_file, ValidatedRun.next_epoch

        def timed_epoch(training: ValidatedRun, pause: Callable[[], bool]) -> bool:
            wall, cpu = time.perf_counter(), time.process_time()
            done = next_epoch(training, pause)
            line = f"{time.perf_counter() - wall} {time.process_time() - cpu}\n"
            with clock_file.open("a", encoding="utf-8") as stream:
                stream.write(line)
            return done

        patch.object(ValidatedRun, "next_epoch", timed_epoch).start()


if __name__ == "__main__":
    TimedTrainable.clock_file = Path(sys.argv[1]).absolute()
    with patch.object(tuner, "TrialTrainable", TimedTrainable):
        status = run.main(sys.argv[2:])
    sys.exit(status)
