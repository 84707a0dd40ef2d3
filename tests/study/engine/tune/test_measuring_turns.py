"""One worker of a machine times its network while the others hold still."""

import threading
import time
from pathlib import Path

from study.engine.tune.measuring_turns import MeasuringTurns


def test_who_measures_is_alone_and_who_trains_goes_on_afterwards(tmp_path: Path) -> None:
    steps = [0]
    ended = threading.Event()

    def train() -> None:
        turns = MeasuringTurns(tmp_path)
        with turns.training():
            while not ended.is_set():
                steps[0] += 1
                time.sleep(0.001)
                turns.hold_still()

    trainer = threading.Thread(target=train)
    trainer.start()
    while not steps[0]:
        time.sleep(0.001)
    with MeasuringTurns(tmp_path).alone():
        first = steps[0]
        time.sleep(0.05)
        assert steps[0] == first
    while steps[0] == first:
        time.sleep(0.001)
    ended.set()
    trainer.join()


def test_two_train_at_the_same_time(tmp_path: Path) -> None:
    with MeasuringTurns(tmp_path).training(), MeasuringTurns(tmp_path).training():
        pass
