"""What is read and written: files whole or not at all, tables, the cache, locks, downloads."""
