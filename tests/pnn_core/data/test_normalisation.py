import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pnn_core.data import LabelledImages
from pnn_core.data.normalisation import PUBLISHED_STATISTICS, channel_statistics, chosen_statistics


def labelled(images):
    return LabelledImages(images=images, labels=np.zeros(len(images), dtype=np.int64))


@given(arrays(np.uint8, array_shapes(min_dims=4, max_dims=4, max_side=5)))
def test_statistics_are_those_of_the_scaled_pixels(images):
    mean, std = channel_statistics(labelled(images))
    scaled = images / 255
    assert mean == pytest.approx(scaled.mean(axis=(0, 2, 3)), abs=1e-12)
    for channel in range(images.shape[1]):
        pixels = images[:, channel]
        constant = pixels.min() == pixels.max()
        assert std[channel] == pytest.approx(1.0 if constant else scaled[:, channel].std())


def test_the_published_constants_hold_whatever_the_images_are():
    own = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert chosen_statistics("train_images", own) == own
    assert chosen_statistics("published", own) == PUBLISHED_STATISTICS


@given(st.integers(0, 255))
def test_a_constant_channel_gets_std_1_and_normalises_to_0(value):
    images = np.full((3, 1, 7, 7), value, dtype=np.uint8)
    mean, std = channel_statistics(labelled(images))
    assert std == (1.0,)
    assert np.abs((images / 255 - mean[0]) / std[0]).max() < 1e-12


def test_more_images_than_one_chunk_holds_are_all_counted():
    images = np.zeros((3000, 1, 1, 1), dtype=np.uint8)
    images[2999] = 255
    mean, _ = channel_statistics(labelled(images))
    assert mean[0] == pytest.approx(1 / 3000)


def test_read_only_images_are_left_alone():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    images.flags.writeable = False
    assert len(channel_statistics(labelled(images))[0]) == 3
