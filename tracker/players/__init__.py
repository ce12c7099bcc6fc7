"""Tracks into players: who counts as one, gaps filled, boxes smoothed."""
