"""What is searched: parameters, their ranges, and the training runs they describe.

- `SearchSpace`: axes, fixed settings, and the `TrialConfig` of a point
- `find_space`: a built-in space by name, or a user's file
- `noise_masks`: mask count, noise level, fan-out and batch size of PNN networks
"""

from search_spaces.catalogue import BUILT_IN, SpaceError, find_space
from search_spaces.space import SearchSpace

__all__ = ["BUILT_IN", "SearchSpace", "SpaceError", "find_space"]
