"""16-frame clips in, action probabilities out. Knows nothing about tracks."""
