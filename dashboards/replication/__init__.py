"""The replication report: reported figures, and those of an honest protocol.

- `report_page`, `markup`: the whole page, and its HTML
- `budget`: facts of what was run
- `comparisons`: the perturbation layer against its controls, in words
- `confirmed_front`: test accuracy over parameters, with intervals and reported points
- `inflation`: distance of the published protocol above correct over total
- `reported_tables`: the paper's tables and the dispute's figures beside this study's
- `shared_axes`: axes and frames of its pictures, which share points and marks with `pictures`
"""
