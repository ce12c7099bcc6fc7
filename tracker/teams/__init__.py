"""Which of two teams a player is of, by what he wears."""
