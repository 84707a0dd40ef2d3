"""Fused CPU operators: the perturbation layer and the layers after it in few passes over memory.

No perturbed map is stored. On other devices torch's own operators are used.
"""
