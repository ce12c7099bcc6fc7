"""The report page in a real browser: how soon it is there, how smooth it moves, and whether it shows the right frame."""
