"""Studies in MLflow: written beside the trial loop, losing nothing, and read back.

- `store`, `names`: which studies a tracker holds
- `feed`, `reading`, `loaded_study`: reading one, and following it while it runs
- `writer`, `backlog`, `outcome`: writing a running study beside the trial loop
- `study`, `opening`, `updates`, `mirror`: one study's runs, of which only what is missing is
  written
- `format`, `curves`, `confirmed`, `values`: how they are spelled
- `connection`, `unreachable`: one tracker, and what is said when it is out of reach
"""
