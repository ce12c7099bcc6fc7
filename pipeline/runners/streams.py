"""Standard output and standard error: they take any name in any locale, and what they cannot take ends nothing."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

_CONTROLS = {i: f"\\x{i:02x}" for i in (*range(32), *range(127, 160))} | {ord("\n"): "\\n", ord("\t"): "\\t"}


def one_line(text: str) -> str:
    """``text`` as it can be shown on one line of a terminal: control characters, as of odd names, are spelt out."""
    return text.translate(_CONTROLS)


def open_streams() -> None:
    """Have both streams take every name, whatever the locale. One that the caller closed takes all and drops it."""
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _Nowhere())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Give up what standard output does not take, or the interpreter would try again at its end and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class _Nowhere(io.StringIO):
    """Takes text and keeps none."""

    def write(self, text: str, /) -> int:
        """Drop ``text``."""
        return len(text)
