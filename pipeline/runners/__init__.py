"""One file per way to start courtscribe."""
