"""Search spaces: parameters, their ranges, and the training runs they describe.

- `SearchSpace`: axes, variants, fixed settings, and the `TrialConfig` of a point
- `find_space`: a built-in space by name, or a user's file; on another network if asked
- `require_network`: the name of a network, checked
- `equal_size_variants`: layers side by side at equal parameter counts, for `variants`
- `Experiment`, `PlannedComparison`: comparisons that a space was made for, named beforehand
- `noise_masks`: mask count, noise level, fan-out and batch size of PNN networks
- `controls`: all four layers over a ladder of equal parameter counts
- `dispute`: the published recipes and the switches between them, one at a time
- `space_json`: a search space as a document, so that a table needs no code that defines its space
- `gaussian_noise`: normal noise beside uniform noise of its variance
- `paper_table1` to `paper_table7`: the paper's tables; `paper` holds what they share
- `detection_masks`: small detectors; `detection` holds what it shares with `paper_table7`
"""

from search_spaces.catalogue import BUILT_IN, find_space
from search_spaces.equal_size import equal_size_variants
from search_spaces.errors import SpaceError
from search_spaces.experiment import Experiment, PlannedComparison
from search_spaces.network import require_network
from search_spaces.space import SearchSpace

__all__ = [
    "BUILT_IN",
    "Experiment",
    "PlannedComparison",
    "SearchSpace",
    "SpaceError",
    "equal_size_variants",
    "find_space",
    "require_network",
]
