"""The perturbation layer and what follows it: few passes over memory, no perturbed map stored.

On a CPU:

- `operators`: where they are chosen
- `sequence`: modules one after another, by these operators
- `build`: compiles them
- `cpu`: their C++ source, and the algebra behind it

On a GPU, in `benchmarks/layer.py` alone until a GPU has run them:

- `triton_kernels`: what it computes (needs triton)
- `triton_launch`: each kernel as a function of tensors
- `triton_layer`: the layer and its gradients, made of them
"""
