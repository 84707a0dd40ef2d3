"""Pictures of studies, drawn from their records.

- `front`, `noise_colours`, `export`: the front of a search, as a figure and as files
- `report`: `python -m dashboards.report`, made of `replication`
"""
