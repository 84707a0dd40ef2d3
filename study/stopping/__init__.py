"""Early stopping by several objectives: asynchronous successive halving without Ray and torch.

- `entry`: what a trial brings into a rung
- `ranking`: the order in a rung: non-dominated fronts, then farthest first
- `decision`: the rule: whether a newcomer goes on
- `rungs`: after which epochs there is a rung
- `halving`: the rungs of a study, which judge trials as they report and can be restored
"""
