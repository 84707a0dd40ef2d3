"""Sizes of networks in closed form: no network is built, and torch is not needed.

- `parameter_count`: learnable parameters
- `matched_size`: the same network with another spatial layer at the same size
"""
