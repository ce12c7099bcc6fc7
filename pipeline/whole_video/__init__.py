"""One label for a whole video, and how it is shown."""
