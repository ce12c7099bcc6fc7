"""What tracker, classify and pipeline all stand on: errors, files, the cache, work ahead, pictures of a video."""
