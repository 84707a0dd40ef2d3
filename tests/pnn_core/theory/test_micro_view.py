import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_images

from pnn_core.theory.micro_view import noise_variance

BLUR = np.outer([1.0, 2, 1], [1, 2, 1])
EDGE = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])


def equally_correlated(rho: float, count: int = 40_000) -> np.ndarray:
    """3×3 images of mean 3 and variance 4 in which any two pixels have correlation `rho`."""
    rng = np.random.default_rng(0)
    shared, own = rng.normal(size=(count, 1, 1)), rng.normal(size=(count, 3, 3))
    return 3 + 2 * (np.sqrt(rho) * shared + np.sqrt(1 - rho) * own)


@given(
    st.sampled_from([0.0, 0.5, 0.9]),
    st.lists(st.floats(0.1, 2), min_size=9, max_size=9),
    st.sampled_from([1.0, -1.0]),
)
@settings(max_examples=20, deadline=None)
def test_the_formula_holds_where_its_assumptions_do(
    rho: float, weights: list[float], sign: float
) -> None:
    kernel = np.array(weights).reshape(3, 3)
    kernel[0] *= sign
    if abs(kernel.sum()) < 0.5:
        kernel[1] += 1
    result = noise_variance(equally_correlated(rho), kernel)
    assert result.pixel_variance == pytest.approx(4, rel=0.03)
    assert result.correlation == pytest.approx(rho, abs=0.02)
    assert result.measured == pytest.approx(result.predicted, rel=0.06)
    assert result.patches == 40_000


def test_by_hand_for_two_independent_pixels() -> None:
    # w' = (½ on one neighbour, ½ on the centre), ρ = 0: n_c = (x_1 − x_c)/2, variance 2σ²/4 = 2.
    # As printed the centre counts too: 2σ²·(½ + ¼) = 6.
    kernel = np.zeros((3, 3))
    kernel[0, 0] = kernel[1, 1] = 5.0
    result = noise_variance(equally_correlated(0.0), kernel)
    assert result.measured == pytest.approx(2, rel=0.05)
    assert result.predicted == pytest.approx(2, rel=0.05)
    assert result.printed == pytest.approx(6, rel=0.05)


def test_on_a_photograph_the_formula_is_somewhat_too_large_for_a_blur() -> None:
    photograph = load_sample_images().images[0].mean(axis=2)[np.newaxis]
    result = noise_variance(photograph, BLUR)
    assert result.correlation > 0.9
    assert 0.6 < result.measured / result.predicted < 0.9
    assert result.printed > 1.5 * result.predicted


@pytest.mark.parametrize(
    ("images", "weights", "message"),
    [
        (np.eye(4)[np.newaxis], EDGE, "weights sum to 0.0e"),
        (np.ones((1, 4, 4)), BLUR, "all 16 pixels are equal"),
        (np.ones((1, 2, 4)), BLUR, r"3×3 patch does not fit into images of \(2, 4\)"),
        (np.eye(4)[np.newaxis], np.ones((2, 2)), r"\(2, 2\) must be \[k, k\] with k odd"),
    ],
)
def test_what_the_formula_cannot_be_written_for_is_refused(
    images: np.ndarray, weights: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        noise_variance(images, weights)
