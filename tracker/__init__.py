"""Frames in, players out: detection, tracking, boxes drawn by hand. Knows nothing about actions."""
