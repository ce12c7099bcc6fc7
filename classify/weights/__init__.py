"""Files of weights: our own, and those of others."""
