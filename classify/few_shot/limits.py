"""How many examples of a label it takes, for those who ask without PyTorch."""

MIN_EXAMPLES = 3
"""Of each label. With fewer, what is said of an example that is left out is a matter of chance."""
MAX_EXAMPLES = 50
"""Of each label; more are worth training on. Raised, adapting takes more than a minute."""
