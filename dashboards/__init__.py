"""Pictures of studies, drawn from their records.

- `app`: `python -m dashboards.app`, the live page, made of `live`
- `export`: `python -m dashboards.export`, the same as one file, made of `page` and `picture_file`
- `report`: `python -m dashboards.report`, made of `replication`
- `pictures`: every picture, first what it shows and then how
- `views`, `view_options`: which pictures answer which question, and what a reader may choose
- `front_csv`, `plotly_config`, `command_line`: the front as data; what buttons may do; bad input
"""
