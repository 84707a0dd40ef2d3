"""The replication report: what was reported, and what an honest protocol gives.

- `page`, `markup`: the whole page, and its HTML
- `budget`: what was run
- `comparisons`: the perturbation layer against its controls, in words
- `confirmed_front`: test accuracy over parameters, with intervals and reported points
- `inflation`: how far the published protocol lies above correct over total
- `reported_tables`: the paper's tables and the dispute's figures beside this study's
- `axes`: the axes and frames of its pictures, which share points and looks with `pictures`
"""
