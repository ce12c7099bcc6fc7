"""The ball: its path, who has it, and when it leaves him."""
