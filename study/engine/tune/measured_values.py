"""Objectives that are measured on a trained network: time, memory, size, and one's own."""

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import nn

from pnn_core.config import EpochResult
from pnn_core.data import Images
from pnn_core.models.saved_network import NetworkCard, TrainedNetwork, encode_network
from pnn_core.parts.own_code import Kind, OwnCode, describe
from pnn_core.training.inference_cost import measure_latency, measure_peak_memory
from study.engine.cluster.worker_settings import WorkerSettings

LATENCY = "latency_ms"


def measure_network(
    network: nn.Module,
    card: NetworkCard,
    validation: Images,
    curve: Sequence[EpochResult],
    settings: WorkerSettings,
) -> dict[str, float]:
    """Measure what a study's objectives ask for.

    Args:
        network: Trained network for normalised images, on its device.
        card: Its settings, normalisation and classes.
        validation: Validation images.
        curve: Results of its epochs.
        settings: Names of the objectives, and code of one's own among them.

    Raises:
        ValueError: A function of one's own raises or gives no number.
    """
    own = {code.name: code for code in settings.own if code.kind is Kind.OBJECTIVE}
    device = next(network.parameters()).device
    trained = TrainedNetwork(network, card).to(device).eval()
    shape = card.trial.model.dataset
    image = torch.zeros(
        (1, shape.channels, shape.height, shape.width), dtype=torch.uint8, device=device
    )
    values: dict[str, float] = {}
    for name in settings.measured:
        match name:
            case "latency_ms":
                values[name] = measure_latency(trained, image)
            case "peak_memory_bytes":
                values[name] = measure_peak_memory(trained, image)
            case "file_bytes":
                values[name] = len(encode_network(network, card))
            case _:
                values[name] = _own_value(own[name], trained, validation, curve)
    return values


def _own_value(
    code: OwnCode, network: nn.Module, validation: Images, curve: Sequence[EpochResult]
) -> float:
    where = f"objective {code.name} of {code.file_name or code.digest}"
    function = code.load()
    try:
        with torch.no_grad():
            value = function(network, validation, curve)
    except Exception as error:  # whatever somebody's function raises
        raise ValueError(f"{where} raised {describe(error)}") from error
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{where} returned {value!r:.60}: a finite number is needed")
    return float(value)
