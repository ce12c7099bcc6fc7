"""Trainings: a run with its folder, resumed to the same result."""
