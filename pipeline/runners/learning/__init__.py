"""Commands that make or change weights."""
