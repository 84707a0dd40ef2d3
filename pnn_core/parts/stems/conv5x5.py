"""The 5×5 stem, that of the published Network in Network."""

from pnn_core.parts.stems.convolution import ConvolutionStem

STEM = ConvolutionStem(kernel_size=5)
