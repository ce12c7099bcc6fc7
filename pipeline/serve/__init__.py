"""A service: videos in over the network, jobs that analyse them, results out; for whoever has a token."""
