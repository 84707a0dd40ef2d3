"""torch's compiler sees the network that a study trains as one graph."""

import ast
import inspect
from dataclasses import replace

import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.fused import sequential
from pnn_core.models.build import build_model

CONFIG = ModelConfig(
    dataset=DatasetShape(channels=1, height=8, width=8, classes=3), network="resnet8", mask_count=4
)


@pytest.mark.parametrize("change", [{}, {"fan_out": 2}, {"network": "vgg16"}])
def test_a_network_that_trains_is_one_graph(change: dict[str, object]) -> None:
    torch._dynamo.reset()
    network = build_model(replace(CONFIG, **change), 0).to(memory_format=torch.channels_last)
    explained = torch._dynamo.explain(network.train())(torch.randn(4, 1, 8, 8))
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)


def test_no_truth_value_of_a_sequence_is_taken_where_a_network_is_traced() -> None:
    """torch 2.11 makes twenty graphs of such a network, where a later torch makes one."""
    names = [
        node.func.id
        for node in ast.walk(ast.parse(inspect.getsource(sequential)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert "bool" not in names
