import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.training.published_accuracy import PublishedAccuracy


def test_a_hand_computed_sequence() -> None:
    # Two images a batch, the fifth dropped. S: 0 → 0.3 → 0.21 + 0.15 = 0.36.
    published = PublishedAccuracy(batch_size=2)
    assert published.add_epoch(np.array([1, 1, 1, 0, 1], dtype=bool)) == pytest.approx(0.36)
    # Carried over: 0.252 + 0.15 = 0.402 → 0.2814, and the best stays the first epoch's.
    assert published.add_epoch(np.array([0, 1, 0, 0, 1], dtype=bool)) == pytest.approx(0.2814)
    assert published.best == pytest.approx(0.36)


def plain_loop(epochs: list[list[bool]], batch_size: int) -> tuple[list[float], float]:
    s, best, figures = 0.0, 0.0, []
    for correct in epochs:
        for start in range(0, len(correct), batch_size):
            batch = correct[start : start + batch_size]
            if len(batch) == batch_size:
                s = 0.7 * s + 0.3 * sum(batch) / batch_size
        figures.append(s)
        if s > best:
            best = s
    return figures, best


@given(
    st.integers(1, 7).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.integers(size, 40).flatmap(
                lambda n: st.lists(
                    st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=5
                )
            ),
        )
    )
)
def test_it_agrees_with_a_plain_loop(drawn: tuple[int, list[list[bool]]]) -> None:
    batch_size, epochs = drawn
    published = PublishedAccuracy(batch_size)
    figures = [published.add_epoch(np.array(correct)) for correct in epochs]
    expected, best = plain_loop(epochs, batch_size)
    assert figures == pytest.approx(expected)
    assert published.best == pytest.approx(best)


def test_a_run_goes_on_from_its_two_numbers() -> None:
    rng = np.random.default_rng(0)
    epochs = [rng.random(50) < 0.8 for _ in range(4)]
    whole = PublishedAccuracy(10)
    for correct in epochs:
        whole.add_epoch(correct)
    first = PublishedAccuracy(10)
    for correct in epochs[:2]:
        first.add_epoch(correct)
    resumed = PublishedAccuracy(10, smoothed=first.smoothed, best=first.best)
    for correct in epochs[2:]:
        resumed.add_epoch(correct)
    assert resumed == whole


def best_of(batch_size: int, epochs: int = 80, images: int = 10_000, seed: int = 0) -> float:
    """Best figure of a network that classifies each image correctly with chance 86%."""
    rng = np.random.default_rng(seed)
    published = PublishedAccuracy(batch_size)
    for _ in range(epochs):
        published.add_epoch(rng.random(images) < 0.86)
    return published.best


def test_batches_of_10_report_several_points_more_than_the_true_86_percent() -> None:
    assert best_of(10) > 0.86 + 0.04


def test_the_inflation_falls_with_the_batch_size() -> None:
    inflation = [best_of(size) - 0.86 for size in (10, 40, 160, 640)]
    assert inflation == sorted(inflation, reverse=True)
    # The spread of S goes with the root of the batch size: fourfold batches about halve it.
    assert inflation[-1] < inflation[0] / 4


def test_fewer_images_than_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^7 test images do not fill .* batch_size \(=10\)"):
        PublishedAccuracy(10).add_epoch(np.ones(7, dtype=bool))


def test_a_batch_size_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch_size \(=0\) must be at least 1"):
        PublishedAccuracy(0)
