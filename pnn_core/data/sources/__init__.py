"""Sources of images: one module for each entry of `DATASETS`, under the data set's name."""
