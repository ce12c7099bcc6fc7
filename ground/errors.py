"""The one error that means: the input is wrong, the program is not."""


class InputError(ValueError):
    """Bad input from the user: videos, files, clips, settings, weights.

    Its message is one line that says what is wrong and what to do.
    """
