"""Layers as torch modules; `pnn_core.parts` says what else there is to know of each."""
