"""The layer benchmark compares forms of one and the same network."""

import importlib
from pathlib import Path

import pytest
import torch

from pnn_core.models.costs import count_macs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def forms(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("layer_forms")


@pytest.fixture
def floor(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("layer_floor")


def test_the_published_form_is_the_same_function_as_the_projects_network(forms):
    work = forms.Work(2, torch.device("cpu"))
    published, project = forms.published(work), forms.project(work)
    with torch.no_grad():
        for ours, theirs in zip(
            project.model.state_dict().values(), published.model.state_dict().values(), strict=True
        ):
            theirs.copy_(ours)
    images = work.images[:2]
    torch.testing.assert_close(published.model(images), project.model(images), atol=1e-4, rtol=1e-4)


def test_steps_go_round_all_images(forms):
    work = forms.Work(2, torch.device("cpu"))
    rounds = [[work.next_batch().tolist() for _ in range(forms.BATCHES)] for _ in range(2)]
    assert rounds[0] == rounds[1]
    assert sorted(i for batch in rounds[0] for i in batch) == list(range(2 * forms.BATCHES))


@pytest.mark.parametrize("name", ["published", "this project"])
def test_a_step_changes_every_weight(forms, name):
    step = forms.FORMS[name](forms.Work(2, torch.device("cpu")))
    before = [parameter.clone() for parameter in step.model.parameters()]
    step()
    for old, (part, new) in zip(before, step.model.named_parameters(), strict=True):
        if part.endswith("weight"):
            assert new.grad.any()
        # Most biases have no gradient, as a normalisation cancels them.
        assert torch.equal(old, new) != bool(new.grad.any())


def test_the_floor_counts_three_products_of_each_layer_but_two_of_the_first(forms, floor):
    work = forms.Work(2, torch.device("cpu"))
    model = forms.project_network(work)
    _, flops = floor.count(model, work.images[:2].clone(), itemsize=4)
    stem_macs = 32 * 32 * model.stem[0].weight.numel()
    assert flops == 2 * 2 * (3 * count_macs(model, forms.CIFAR) - stem_macs)


def test_the_floor_moves_inputs_outputs_gradients_and_weights(floor):
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 5))
    moved, _ = floor.count(layers, torch.zeros(2, 3), itemsize=2)
    between = 2 * 3 * 2 + 2 * 4 * 2 + (2 * 4 * 3 + 2 * 5 * 2)  # the images have no gradient
    assert moved == 2 * between + 4 * 10 * (4 * 4 + 5 * 5)
