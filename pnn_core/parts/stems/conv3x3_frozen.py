"""The 3×3 stem with frozen random weights, as in the authors' second code."""

from pnn_core.parts.stems.convolution import ConvolutionStem

STEM = ConvolutionStem(kernel_size=3, frozen=True)
