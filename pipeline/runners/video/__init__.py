"""Commands that take a game or its analysis."""
