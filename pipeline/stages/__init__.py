"""The stages of an analysis: each from values and its own settings to the next value."""
