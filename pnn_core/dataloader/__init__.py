"""Batches for training and evaluation, from images in memory or from files."""
