"""Passes over a video, part by part: what is on disk is done, and several processes may share what is left."""
