"""Fused CPU operators: the perturbation layer and the layers after it in few passes over memory.

No perturbed map is stored. On other devices torch's own operators are used.

- `operators`: choice between them and torch's own operators
- `sequential`: sequences of modules by these operators
- `compile`: their compilation
- `cpu`: their C++ source, and its algebra
"""
