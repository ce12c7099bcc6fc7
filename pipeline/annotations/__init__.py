"""Who does what when, as files of the programs in which analysts look at games, written and read."""
