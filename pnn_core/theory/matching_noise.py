"""The noise that would match a convolution: the Sylvester condition (paper, Eq. 14 to 19).

The paper claims: from Eq. 12 follows Eq. 18, S_a·N⁻¹ + N⁻¹·S_b = 0 with S_a = X⁺AX and
S_b = −A; if the spectra of S_a and A are disjoint it has a unique solution, so "we can always solve
for the matching noise perturbation matrix N".

Facts, each shown by a test:

- Eq. 14 says that two numbers commute, (1ᵀN⁻¹Ax)(1ᵀN⁻¹x). It is true for every N, so neither Eq. 15
  nor anything after it follows from it. By Eq. 7 nearly every N will do for one input anyway: no
  matching noise is needed.
- Eq. 17 takes X⁺X for the identity. X = x1ᵀ has rank 1, and so has X⁺X.
- The right side of Eq. 18 is 0, so 0 always solves it. If the spectra are disjoint, that unique
  solution *is* 0, which is no N⁻¹.
- If they meet, there are other solutions. An invertible one would make A and S_a similar. S_a is
  (xᵀAx / xᵀx)·11ᵀ/d, of rank 1 at most; so A would have rank 1 at most too. A convolution has such
  a matrix only when its filter is one plane wave over the whole image, such as a global average,
  and then x must be that same wave. No 3×3 filter on a larger image qualifies.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

TOLERANCE = 1e-9
"""Eigenvalues nearer than this fraction of the largest one are taken for equal."""


def sylvester_terms(
    image: NDArray[np.float64], convolution: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute S_a = X⁺AX and S_b = −A for as many masks as pixels (paper, Eq. 18).

    Args:
        image: x, [d].
        convolution: A, [d, d], see `macro_view.convolution_matrix`.

    Returns:
        S_a and S_b, [d, d] each.
    """
    repeated = np.outer(image, np.ones(len(image)))
    return linalg.pinv(repeated) @ convolution @ repeated, -convolution


def spectral_gap(image: NDArray[np.float64], convolution: NDArray[np.float64]) -> float:
    """Return the smallest distance between an eigenvalue of S_a and one of A.

    Above 0 the spectra are disjoint, the paper's condition for a unique solution. A filter whose
    weights sum to 0, such as any edge detector, has the eigenvalue 0, which S_a has too: gap 0.
    """
    left, right = sylvester_terms(image, convolution)
    distances = np.abs(np.subtract.outer(linalg.eigvals(left), linalg.eigvals(-right)))
    return float(distances.min())


def unique_inverse_noise(
    image: NDArray[np.float64], convolution: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the unique solution N⁻¹ of Eq. 18 that the paper speaks of: it is 0.

    Returns:
        [d, d], as SciPy's Sylvester solver finds it.

    Raises:
        ValueError: The spectra meet, so that the solution is not unique.
    """
    gap = spectral_gap(image, convolution)
    if gap <= TOLERANCE * linalg.norm(convolution, 2):
        raise ValueError(
            f"the spectra of X⁺AX and A are only {gap:.1e} apart: Eq. 18 has no unique solution"
        )
    left, right = sylvester_terms(image, convolution)
    return np.asarray(linalg.solve_sylvester(left, right, np.zeros_like(convolution)))


def inverse_noise_basis(
    image: NDArray[np.float64], convolution: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute a basis of all solutions N⁻¹ of Eq. 18, from its Kronecker form (paper, Eq. 19).

    For small images only: the matrix has d⁴ entries.

    Returns:
        [solutions, d, d]; empty if the spectra are disjoint, as 0 is then the only solution.
    """
    left, right = sylvester_terms(image, convolution)
    identity = np.eye(len(image))
    # Eq. 19 stacks columns; transposing takes the solver's vectors back to matrices.
    stacked = np.kron(identity, left) + np.kron(right.T, identity)
    # The slower driver: that of divide and conquer does not converge for some images.
    basis = linalg.null_space(stacked, rcond=TOLERANCE, lapack_driver="gesvd").T
    return np.asarray(basis.reshape(-1, len(image), len(image)).transpose(0, 2, 1))
