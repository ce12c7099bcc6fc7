"""Whole analyses against the truth, in numbers and pictures."""
