"""Boxes and outlines drawn by hand, and CSRT, which follows them."""
