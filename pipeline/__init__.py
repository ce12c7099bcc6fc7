"""Joins tracker and classifier into an analysis of a video, and shows it."""
