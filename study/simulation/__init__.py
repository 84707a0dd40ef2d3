"""Searches replayed on a recorded table, in simulated time.

- `simulated_clock`: clock of simulated time, with the events that are planned
- `nearest`: the recorded configuration that stands for a proposed one
- `recorded_space`: what a search proposes from
- `replay`: what takes the place of training
- `simulated_search`: the study's own sampler and stopper, and workers that take time from a table
- `single_objective`: a stopper to compare the study's own with
- `growth`: how a search's hypervolume grows, as a share of the table's best
- `repeated`: the same search with many seeds
- `search_growth`: results of such searches, as a summary, a table and pictures
"""
