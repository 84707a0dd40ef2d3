"""Sizes of networks in closed form: no network is built, and torch is not needed."""
