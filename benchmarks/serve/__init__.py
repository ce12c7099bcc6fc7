"""What the benchmark of the service and its tests share."""
