"""Detections into tracks: frame by frame, then linked over the whole video."""
