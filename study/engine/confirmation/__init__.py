"""Confirmation of a front with fresh seeds, on Ray."""
