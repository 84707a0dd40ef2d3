"""Registries of a network's parts: all that the platform must know of each, in one file each.

A new part is a new file and its name in one registry; `tests/pnn_core/parts` walks each registry.
Entries need the standard library alone, so that search spaces, results and pictures can read them:
what an entry builds, it imports when it builds it.
"""
