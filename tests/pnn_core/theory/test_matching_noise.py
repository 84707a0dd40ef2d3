import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from pnn_core.theory.macro_view import convolution_matrix
from pnn_core.theory.matching_noise import (
    inverse_noise_basis,
    spectral_gap,
    sylvester_terms,
    unique_inverse_noise,
)

SEEDS = st.integers(0, 2**32 - 1)
SIDE = 4
LAPLACIAN = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An image and the matrix of a 3×3 convolution."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=SIDE**2), convolution_matrix(rng.normal(size=(3, 3)), SIDE, SIDE)


@given(SEEDS)
def test_equation_14_holds_for_any_noise_so_nothing_follows_from_it(seed: int) -> None:
    image, convolution = drawn(seed)
    # n = N⁻ᵀ1 is any vector at all, as N is any invertible matrix.
    n = np.random.default_rng(seed + 1).normal(size=SIDE**2)
    outer = np.outer(image, n)
    assert_allclose(
        outer @ convolution @ outer @ image, outer @ outer @ convolution @ image, atol=1e-9
    )


@given(SEEDS)
def test_equation_15_does_not_hold_for_just_any_noise(seed: int) -> None:
    image, convolution = drawn(seed)
    n = np.random.default_rng(seed + 1).normal(size=SIDE**2)
    outer = np.outer(image, n)
    assert not np.allclose(convolution @ outer, outer @ convolution)


@given(SEEDS)
def test_the_left_term_has_rank_one_and_the_rayleigh_quotient_as_its_eigenvalue(seed: int) -> None:
    image, convolution = drawn(seed)
    left, right = sylvester_terms(image, convolution)
    quotient = image @ convolution @ image / (image @ image)
    assert_allclose(left, np.full_like(left, quotient / SIDE**2), atol=1e-10)
    assert_allclose(right, -convolution)


@given(SEEDS)
@example(2427132)  # LAPACK's gesdd did not converge for it
@settings(max_examples=10)
def test_with_disjoint_spectra_the_unique_solution_is_zero(seed: int) -> None:
    image, convolution = drawn(seed)
    assert spectral_gap(image, convolution) > 0
    assert_allclose(unique_inverse_noise(image, convolution), 0, atol=1e-12)
    assert len(inverse_noise_basis(image, convolution)) == 0


def test_an_edge_detector_shares_the_eigenvalue_zero_so_its_solution_is_not_unique() -> None:
    image, _ = drawn(0)
    convolution = convolution_matrix(LAPLACIAN, SIDE, SIDE)
    with pytest.raises(ValueError, match=r"only \d.* apart: Eq\. 18 has no unique solution"):
        unique_inverse_noise(image, convolution)
    basis = inverse_noise_basis(image, convolution)
    left, right = sylvester_terms(image, convolution)
    assert len(basis) > 0
    for solution in basis:
        assert_allclose(left @ solution + solution @ right, 0, atol=1e-10)


def most_invertible_rank(basis: np.ndarray) -> int:
    """Rank of a random combination, almost surely the largest that any combination has."""
    mix = np.random.default_rng(0).normal(size=len(basis))
    return int(np.linalg.matrix_rank(np.tensordot(mix, basis, axes=1)))


@pytest.mark.parametrize(
    "weights", [LAPLACIAN, np.outer([1, 2, 1], [1, 0, -1]), np.outer([1, -1, 0], [1, -1, 0])]
)
def test_where_spectra_meet_no_solution_of_a_3x3_filter_is_the_inverse_of_a_noise(
    weights: np.ndarray,
) -> None:
    image, _ = drawn(0)
    basis = inverse_noise_basis(image, convolution_matrix(weights, SIDE, SIDE))
    assert 0 < most_invertible_rank(basis) < SIDE**2


def test_a_global_average_of_a_constant_image_is_the_exception() -> None:
    average = np.full((SIDE**2, SIDE**2), 1 / SIDE**2)
    assert most_invertible_rank(inverse_noise_basis(np.ones(SIDE**2), average)) == SIDE**2
    image, _ = drawn(0)
    assert most_invertible_rank(inverse_noise_basis(image, average)) < SIDE**2
