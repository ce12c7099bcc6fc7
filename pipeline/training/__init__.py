"""Pictures and clips to learn from, taken from videos and analyses."""
