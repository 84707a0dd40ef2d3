"""Random numbers: independent seeds for initialisation, masks and data order.

- `seeds`: the three seeds, derived from one
- `generators`: torch generators
- `mask_regeneration`: masks drawn again from their seed, without torch
"""
