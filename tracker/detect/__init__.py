"""Finding players in pictures: the detector, its weights, its training."""
