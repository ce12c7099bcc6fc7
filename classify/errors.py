"""The one error that means: the input is wrong, the program is not."""


class ClipError(ValueError):
    """Bad clips, labels or checkpoints from the user. Its message is one line that says what to do."""
