"""Many videos: each as one alone, over the same workers, and none the worse for another that is bad."""
