"""Generators of different purposes are independent, and each can have a seed of its own."""

import torch

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.rng.generators import spawn
from pnn_core.rng.seeds import Seeds, generator_seed

MODEL = ModelConfig(dataset=DatasetShape(channels=1, height=8, width=8, classes=10))


def test_a_trials_seed_feeds_every_stream() -> None:
    assert Seeds.of(TrialConfig(model=MODEL, seed=5)) == Seeds.same(5)


def test_a_seed_of_its_own_replaces_the_trials_for_that_stream_alone() -> None:
    trial = TrialConfig(
        model=MODEL, seed=5, initialisation_seed=0, mask_seed=7, data_order_seed=None
    )
    assert Seeds.of(trial) == Seeds(initialisation=0, masks=7, data_order=5)


def test_streams_of_the_same_seed_differ() -> None:
    seeds = Seeds.same(5)
    derived = [seeds.generator_seed(s) for s in ("initialisation", "masks", "data_order")]
    assert len(set(derived)) == 3


def test_the_seed_of_a_stream_stays_what_it_was() -> None:
    assert [generator_seed(0, s) for s in ("initialisation", "masks", "data_order")] == [
        8668861027912758289,
        4881901421217228719,
        16452687389592421897,
    ]


def test_a_spawned_generator_draws_its_own_numbers_and_leaves_the_other_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    child, again = spawn(generator), spawn(generator)
    draws = torch.rand(4, generator=child)
    assert torch.equal(draws, torch.rand(4, generator=again))
    own = torch.rand(4, generator=generator)
    assert torch.equal(own, torch.rand(4, generator=torch.Generator().manual_seed(1)))
    assert not torch.equal(own, draws)
