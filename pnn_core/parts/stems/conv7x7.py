"""The stem of the published ResNets as a whole: 7×7 with stride 2, then a max-pool.

Its pool is a max-pool whatever `ModelConfig.pooling` says.
"""

from pnn_core.parts.stems.convolution import ConvolutionStem

STEM = ConvolutionStem(kernel_size=7, stride=2, pools=True)
