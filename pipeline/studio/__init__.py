"""A page on this machine in which to look, correct and teach: served to who has its address, about one folder."""
