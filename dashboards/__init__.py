"""Pictures of studies, drawn from their records.

- `app`: `python -m dashboards.app`, the live page, made of `live`
- `export`: `python -m dashboards.export`, the same as one file, made of `page` and `picture_file`
- `report`: `python -m dashboards.report`, made of `replication`
- `views`: the registry of pictures, and the questions that they answer
- `picture_entry`: entry of the registry: everything that pages and files must know of a picture
- `pictures`: one picture a file: its info, its figure, its columns, its entry
- `scene`, `view_options`: studies and choices that a picture is drawn from
- `front_csv`, `plotly_config`, `command_line`: the front as data; buttons; bad input
"""
