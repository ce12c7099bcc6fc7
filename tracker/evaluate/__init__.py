"""Tracks against true ones: the scores, and the sequences of a data set."""
