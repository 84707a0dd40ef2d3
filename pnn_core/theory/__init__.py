"""The paper's theory of perturbation layers and convolutions (Section 3.3 and 3.4), as code.

- `macro_view`: weights that make a perturbation layer equal a convolution on one input (Eq. 5 to 9)
- `matching_noise`: the Sylvester condition on the noise itself (Eq. 14 to 19), and its solutions
- `second_input`: the objection: errors of those weights on other inputs
- `micro_view`: a convolution as its centre pixel plus noise, and that noise's variance (Eq. 20 to
  27)

NumPy and SciPy only. An image is flattened row by row to a vector of d = height · width numbers.
"""
