"""Files of tracks: each format's reader, and what they have in common."""
