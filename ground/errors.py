"""The one error that means: the input is wrong, the program is not."""

import errno
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a system says where there is no room: on the disk, for this user, in one file."""
_LONGEST = 480
"""Letters of a message. What a hostile file holds is quoted in messages, and a terminal is to show it."""


class InputError(ValueError):
    """Bad input from the user: videos, files, clips, settings, weights.

    Its message is one line that says what is wrong and what to do; long ones are cut in the middle.
    setting: the setting or argument that mends it, such as ``detector.classes`` or ``cache``; whoever gives settings
    another form, as the command line does with flags, can say so.
    """

    def __init__(self, message: str, setting: str = "") -> None:
        super().__init__(message)
        self.setting = setting

    def __str__(self) -> str:
        text = super().__str__()
        if not text.isprintable():
            text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST * 2 // 3]} ... {text[-_LONGEST // 3 :]}"


class FullError(InputError):
    """There is no room to write: it can be mended, and the same command then does what it would have done."""


def unwritable(path: Path, error: OSError) -> InputError:
    """What to raise where ``path`` cannot be written; it says what to do."""
    about = f"{path}: cannot be written ({error.strerror or error})"
    if error.errno in _FULL:
        return FullError(f"{about}; free some space and give the same command again, or choose another place")
    return InputError(f"{about}; choose another place")
