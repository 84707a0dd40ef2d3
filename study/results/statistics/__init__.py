"""Statistics of confirmed runs: what a few seeds allow to say.

- `confidence_intervals`: means over seeds with Student's t intervals, and paired differences
- `collapses`: the rule, fixed beforehand, by which a seed has collapsed
- `seeds_and_images`: an interval over other seeds and other test images
- `power`: the spread at which some seeds detect a difference
- `holm`, `verdicts`: better, worse, equivalent or undecided, adjusted for their number
"""
