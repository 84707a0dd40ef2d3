"""Batches for training and evaluation, from images in memory or from files.

- `batches`: batches of images that are held on the device
- `file_batches`: batches of images that are decoded while training
- `decoding_workers`: processes that decode ahead
- `augmentation`: random crops and flips
"""
