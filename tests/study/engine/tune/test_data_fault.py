"""An image that cannot be read ends the study, costs no trial, and a resume goes on once mended."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pnn_core.data import DatasetError, ImageFiles, TrainingData, load_training_data
from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.trial_resources import TrialResources
from study.engine.interrupts import Interrupts
from study.engine.tune.tuner import train_runs
from study.results.run_record import RunState
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

pytestmark = pytest.mark.usefixtures("cluster")

TWO = TrialResources(cpus=1, gpus=0.0, concurrent=2)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingData]:
    """Images of 8×8 pixels that are decoded while training."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        folder = tmp_path / "images" / "train" / name
        folder.mkdir(parents=True)
        for index in range(6):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 0)
    return load_training_data("imagefolder", tmp_path / "images")


def test_a_truncated_image_ends_the_study_with_its_trials_unfinished_and_a_resume_goes_on(
    files: TrainingData, make_config, heard
) -> None:
    assert isinstance(files.train, ImageFiles)
    config = make_config(trials=2, dataset="imagefolder", shape=files.shape)
    config = replace(config, space=config.space.with_augment("none"))
    store = CheckpointStore(url=config.checkpoints)
    store.create()

    def life() -> TrialManager:
        manager = TrialManager(config, StudyStorage(config), [heard])
        with Interrupts() as interrupts:
            train_runs(config, files, manager, store, TWO, interrupts, pytest.fail)
        return manager

    path = files.train.path(3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(DatasetError, match=rf"{path} cannot be read as an image: \S+"):
        life()
    stored = TrialManager(config, StudyStorage(config), [])
    assert not any(record.state.is_final for record in stored.records)
    assert heard.of("ended") == heard.of("retried") == []
    path.write_bytes(whole)
    records = life().records
    assert [record.state for record in records] == [RunState.COMPLETE] * 2
    assert [record.retried for record in records] == [()] * 2
