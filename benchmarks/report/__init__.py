"""The report page in a real browser: how soon it is there, how smoothly it moves, whether its frames are right."""
