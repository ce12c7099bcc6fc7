"""Labelled clips: found, split, decoded into a cache, changed on the fly."""
