"""Steps per second of several processes at once, here on the CPU."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.replicates import training_rate
from pnn_core.replicates.gpu_memory_probe import by_size, sample
from pnn_core.replicates.training_rate import RateError, RateTask, measure_rate, measure_rates

SHAPE = DatasetShape(channels=1, height=8, width=8, classes=3)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=2),
    optim=OptimConfig(batch_size=5),
)


def images(count: int) -> LabelledImages:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=np.arange(count) % 3)


DATA = TrainingData(
    name="digits",
    train=images(200),
    validation=images(9),
    held_out=np.arange(9),
    classes=("a", "b", "c"),
    mean=(0.5,),
    std=(0.25,),
    augment=False,
)


def task(**changes) -> RateTask:
    config, few = sample(CONFIG, DATA, 4)
    own = {"config": config, "replicates": 2, "data": few, "device": "cpu", "threads": 1}
    return RateTask(**{**own, **changes})


def test_two_processes_train_at_once_and_their_steps_are_summed() -> None:
    assert measure_rate(task(), 2, 0.1) > 0


def test_a_process_that_ends_too_early_says_why(tmp_path) -> None:
    program = [sys.executable, "-c", "raise ValueError('no room')"]
    with (
        (tmp_path / "errors").open("w+") as errors,
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        pytest.raises(RateError, match="status 1: ValueError: no room"),
    ):
        training_rate._answer(process, errors)


def test_a_sample_has_the_steps_asked_for_and_one_rate() -> None:
    config, few = sample(CONFIG, DATA, 4)
    assert len(few.train) == 4 * CONFIG.optim.batch_size
    assert config.optim.schedule == "constant"
    assert (config.model, config.optim.batch_size) == (CONFIG.model, CONFIG.optim.batch_size)
    assert len(sample(CONFIG, DATA, 1000)[1].train) == len(DATA.train)


def test_runs_are_sorted_by_their_size() -> None:
    sizes = [8, 2, 4]
    runs = [replace(CONFIG, model=replace(CONFIG.model, mask_count=size)) for size in sizes]
    assert [run.model.mask_count for run in by_size(runs, DATA)] == [2, 4, 8]


@pytest.mark.parametrize(
    ("rates", "measured"),
    [
        ({1: 10.0, 2: 20.0, 4: 21.0, 7: 99.0}, [1, 2, 4]),
        ({1: 10.0, 2: 20.0, 4: 40.0, 7: 60.0}, [1, 2, 4, 7]),
        ({1: 10.0, 2: 20.0}, [1, 2]),  # no room for four
    ],
)
def test_measuring_ends_where_more_gain_nothing_or_have_no_room(
    monkeypatch: pytest.MonkeyPatch, rates: dict[int, float], measured: list[int]
) -> None:
    def measure(own: RateTask, count: int, seconds: float) -> float:
        if count not in rates:
            raise RateError("out of memory")
        return rates[count]

    monkeypatch.setattr(training_rate, "measure_rate", measure)
    assert sorted(measure_rates(task(), 7)) == measured


def test_where_not_even_one_trains_the_reason_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(own: RateTask, count: int, seconds: float) -> float:
        raise RateError("no GPU")

    monkeypatch.setattr(training_rate, "measure_rate", measure)
    with pytest.raises(RateError, match="no GPU"):
        measure_rates(task(), 4)
