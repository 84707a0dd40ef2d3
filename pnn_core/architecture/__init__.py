"""Networks as lists of shapes: sizes in closed form, without torch.

- `networks`: stages, blocks and layers of each network
- `feature_map`: channels, height and width of a map
- `parameter_count`: learnable parameters
- `matched_size`: the same network with another spatial layer at the same size
"""
