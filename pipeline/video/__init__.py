"""Pictures and sound into a video file."""
