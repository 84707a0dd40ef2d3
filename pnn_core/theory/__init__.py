"""The paper's theory of perturbation layers and convolutions (Section 3.3 to 3.5), as code.

- `macro_view`: weights that make a perturbation layer equal a convolution on one input (Eq. 5 to 9)
- `matching_noise`: the Sylvester condition on the noise itself (Eq. 14 to 19), and its solutions
- `second_input`: the objection: errors of those weights on other inputs
- `micro_view`: a convolution as its centre pixel plus noise, and that noise's variance (Eq. 20 to
  27)

Section 3.5 has no equations; its claims are measured:

- `multi_scale`: "larger noise corresponds to convolving with a larger filter"
- `distance_preservation`: the "distance preserving property"
- `sparse_interactions`: "a single element in the input" for each output of a layer
- `receptive_field`: "would typically cover the entire image"

NumPy and SciPy, but for the gradients of the last two, which are torch's. Where a matrix acts on an
image, it is flattened row by row to a vector of d = height · width numbers.
"""
