"""Random numbers: independent seeds for initialisation, masks and data order.

- `seeds`: the three seeds, derived from one
- `generators`: torch generators
- `blur`: blur of noise at equal variance
- `mask_regeneration`: masks drawn again from their seed, without torch
"""
