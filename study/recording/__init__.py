"""Recorded tables: every epoch of every configuration of a space, as one Parquet file."""
