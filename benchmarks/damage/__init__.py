"""Videos damaged on purpose, each with what is to become of it, and what became of it."""
