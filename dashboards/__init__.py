"""Pictures of studies, drawn from their records.

- `front`, `noise_colours`, `export`: the front of a search, as a figure and as files
- `plotly_config`: what the buttons of every picture may do
- `report`: `python -m dashboards.report`, made of `replication`
"""
