"""How large a picture may be, for those who ask without libraries of pictures."""

MOST_BYTES = 32 << 20
"""Of one picture's file."""
