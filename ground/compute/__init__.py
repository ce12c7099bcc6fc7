"""What networks compute with: devices, their memory, batches, eight bits."""
