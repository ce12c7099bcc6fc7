"""All results of one video as one value, and the folder that it is kept in."""
