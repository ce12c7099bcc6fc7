"""Commands that measure, and that look at the machine."""
