"""The paper's theory of perturbation layers and convolutions (Section 3.3 and 3.4), as code.

NumPy and SciPy only. An image is flattened row by row to a vector of d = height · width numbers.
"""
