"""The 3×3 stem, for small images."""

from pnn_core.parts.stems.convolution import ConvolutionStem

STEM = ConvolutionStem(kernel_size=3)
