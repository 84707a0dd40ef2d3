"""Batches for training and evaluation, from images in memory or from files.

- `batches`: batches of images that lie on the device
- `file_batches`: batches of images that are decoded while training
- `annotated_batches`: the same of letterboxed images, with the objects in each
- `decoding_workers`: processes that decode ahead of training
- `augmentation`: random crops and flips
"""
