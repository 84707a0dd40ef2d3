"""Recorded tables: every epoch of every configuration of a space, as one Parquet file.

- `table`: what a recorded table holds
- `recording`: from a study's records to a table
- `columns`: a table's rows in Arrow, and back
- `parquet`: the file, with schema, provenance and licence in its own metadata
- `shipped`: the table that comes with this project
"""
