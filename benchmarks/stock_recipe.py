"""The recipe of the Ray and MLflow documentation, for the trials that a study has trained.

It follows the pages

- "How to use Tune with PyTorch" (docs.ray.io, tune/examples/tune-pytorch-cifar): the training
  function, `DataLoader`, `tune.report` once an epoch
- "Running Tune experiments with Optuna" (tune/examples/optuna_example): `OptunaSearch` with
  several objectives, `points_to_evaluate`
- "Using MLflow with Tune" (tune/examples/tune-mlflow): `MLflowLoggerCallback`
- "Getting data in and out of Tune" (tune/tutorials/tune_get_data_in_and_out):
  `tune.with_parameters`

with default settings throughout. The network, its optimiser and its schedule are this project's,
by torch's own operators and not the fused ones; everything around them follows those pages.

Usage: stock_recipe.py POINTS.json EPOCHS RESULT.json [DATASET DATA_DIR]
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.data import Images, LabelledImages, TrainingData, load_training_data
from pnn_core.fused import operators
from pnn_core.models.build import build_model
from pnn_core.training.optimizer import make_optimizer, make_schedule


def train_pnn(
    config: dict[str, Any], train_set: TensorDataset, val_set: TensorDataset, shape: DatasetShape
) -> None:
    """Train one network and report each epoch to Tune."""
    operators.are_built = lambda: False  # type: ignore[assignment]  # in each trial's process
    trial = TrialConfig(model=ModelConfig(dataset=shape)).with_parameters(config)
    torch.manual_seed(trial.seed)
    model = build_model(trial.model, trial.seed)
    learnable_params = sum(p.numel() for p in model.parameters() if p.requires_grad)
    optimizer = make_optimizer(model, trial.optim)
    schedule = make_schedule(optimizer, trial.optim.schedule, trial.epochs)
    criterion = nn.CrossEntropyLoss()
    # A study too leaves out an incomplete last batch and evaluates in steps of 500.
    train_loader = DataLoader(
        train_set, batch_size=trial.optim.batch_size, shuffle=True, drop_last=True
    )
    val_loader = DataLoader(val_set, batch_size=500)

    training_seconds = training_cpu_seconds = 0.0
    for _ in range(trial.epochs):
        wall, cpu = time.perf_counter(), time.process_time()

        model.train()
        running_loss = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        schedule.step()

        model.eval()
        val_loss = 0.0
        correct = 0
        with torch.no_grad():
            for images, labels in val_loader:
                outputs = model(images)
                val_loss += criterion(outputs, labels).item() * len(labels)
                correct += (outputs.argmax(dim=1) == labels).sum().item()

        training_seconds += time.perf_counter() - wall
        training_cpu_seconds += time.process_time() - cpu
        tune.report(
            {
                "train_loss": running_loss / len(train_loader),
                "val_loss": val_loss / len(val_set),
                "val_accuracy": correct / len(val_set),
                "learnable_params": learnable_params,
                "training_seconds": training_seconds,
                "training_cpu_seconds": training_cpu_seconds,
                "reported_at": time.time(),
            }
        )


def as_tensors(images: Images, data: TrainingData) -> TensorDataset:
    """Return labels and images of zero mean and unit deviation, float32 `[n, C, H, W]`."""
    assert isinstance(images, LabelledImages)  # small ones are in memory
    pixels = torch.from_numpy(images.images).float() / 255
    mean = torch.tensor(data.mean)[:, None, None]
    std = torch.tensor(data.std)[:, None, None]
    return TensorDataset((pixels - mean) / std, torch.from_numpy(images.labels))


def main() -> None:
    """Train the given points and write the metrics of each."""
    points = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    dataset, data_dir = sys.argv[4:] or ("digits", "data")
    data = load_training_data(dataset, Path(data_dir))
    trainable = tune.with_parameters(
        train_pnn,
        train_set=as_tensors(data.train, data),
        val_set=as_tensors(data.validation, data),
        shape=data.shape,
    )
    tuner = tune.Tuner(
        trainable,
        param_space={
            "network": "resnet8",
            "mask_count": tune.choice([8, 16, 24, 32, 48]),
            "noise_level": tune.loguniform(0.01, 5.0),
            "fan_out": tune.choice([1, 2, 4, 8]),
            "batch_size": tune.choice([10, 20, 40, 80]),
            "seed": tune.randint(0, 1000),
            "epochs": int(sys.argv[2]),
        },
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(
                metric=["val_accuracy", "learnable_params"],
                mode=["max", "min"],
                points_to_evaluate=points,
            ),
            num_samples=len(points),
        ),
        run_config=tune.RunConfig(
            name="noise_masks",
            storage_path=str(Path("ray_results").absolute()),
            callbacks=[
                MLflowLoggerCallback(
                    tracking_uri="sqlite:///mlflow.db",
                    experiment_name="noise_masks",
                    save_artifact=True,
                )
            ],
        ),
    )
    results = tuner.fit()
    metrics = [results[i].metrics for i in range(len(results))]
    Path(sys.argv[3]).write_text(json.dumps(metrics), encoding="utf-8")


if __name__ == "__main__":
    main()
