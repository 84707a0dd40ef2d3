"""Random numbers: separate seeds for separate kinds of luck.

- `seeds`: seeds of initialisation, masks and data order, from one
- `generators`: torch generators of these seeds
- `mask_regeneration`: masks drawn again from their seed, without torch
"""
