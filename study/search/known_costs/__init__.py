"""Search by expected hypervolume improvement: costs of networks are computed, the rest modelled.

- `problem`: what a sampler may know of a study: objectives, costs, rungs
- `axis_place`, `placed_points`: points as numbers from 0 to 1, and their costs
- `belief`: preference for settings that the user believes in, which trials outweigh
- `candidates`: points near those that were tried
- `observations`: what trials have shown so far, at each rung and at their end
- `rung_model`: Gaussian process over settings and rungs
- `survival`: chance to pass the rungs
- `evidence`: trials and candidates as arrays on one scale
- `expected_gain`: expected hypervolume improvement where all losses but one are known
- `ehvi_sampler`: the sampler
"""
