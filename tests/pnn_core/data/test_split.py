import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.data.split import stratified_split

class_counts = st.lists(st.integers(2, 60), min_size=1, max_size=8)
fractions = st.floats(0.01, 0.99)


def shuffled_labels(counts, order_seed):
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return np.random.default_rng(order_seed).permutation(labels)


@given(class_counts, fractions, st.integers(0, 99))
def test_every_image_is_in_exactly_one_part(counts, fraction, order_seed):
    labels = shuffled_labels(counts, order_seed)
    kept, held_out = stratified_split(labels, fraction)
    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    assert kept.tolist() == sorted(kept)
    assert held_out.tolist() == sorted(held_out)


@given(class_counts, fractions, st.integers(0, 99))
def test_each_class_gives_its_share_within_one_image(counts, fraction, order_seed):
    labels = shuffled_labels(counts, order_seed)
    kept, held_out = stratified_split(labels, fraction)
    for label, count in enumerate(counts):
        given_up = (labels[held_out] == label).sum()
        assert abs(given_up - fraction * count) <= 1
        assert given_up >= 1
        assert (labels[kept] == label).sum() >= 1


@given(class_counts, fractions)
def test_the_split_does_not_depend_on_the_global_random_state(counts, fraction):
    labels = shuffled_labels(counts, 0)
    first = stratified_split(labels, fraction)
    np.random.seed(len(labels))
    second = stratified_split(labels, fraction)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_split_is_the_one_it_has_always_been():
    _, held_out = stratified_split(np.arange(40, dtype=np.int64) % 2, 0.2)
    assert held_out.tolist() == [3, 6, 15, 17, 24, 34, 38, 39]


def test_the_images_held_out_are_not_merely_the_first_or_last_of_a_class():
    kept, held_out = stratified_split(np.zeros(100, dtype=np.int64), 0.2)
    assert held_out.min() < kept.max()
    assert held_out.max() > kept.min()
    assert np.ptp(held_out) > 50


def test_a_class_of_one_image_is_refused():
    with pytest.raises(ValueError, match="class 1 has 1 image"):
        stratified_split(np.array([0, 0, 1]), 0.5)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(ValueError, match="held_out_fraction"):
        stratified_split(np.array([0, 0]), fraction)
