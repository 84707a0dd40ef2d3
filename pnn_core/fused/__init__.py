"""The perturbation layer and what follows it: few passes over memory, no perturbed map stored.

Operators for the CPU; elsewhere torch's own are used.

- `operators`: where they are chosen
- `sequence`: modules one after another, by these operators
- `build`: compiles them
- `cpu`: their C++ source, and the algebra behind it
"""
