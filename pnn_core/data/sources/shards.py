"""Images of one's own in Parquet shards, for machines without a shared folder."""

from dataclasses import replace

from pnn_core.data.image_shards import dataset

DATASET = replace(
    dataset("your own images in Parquet shards, at the place that shards.toml names"),
    # Only who made the shards knows if a mirror image is of the same class: a digit is not.
    default_augment="crop",
)
