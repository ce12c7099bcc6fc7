"""Clips to probabilities, by whichever library runs the network."""
