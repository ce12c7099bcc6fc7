"""Pages of the web that hold a video: told from videos, and what they hold fetched."""
