"""A named pipe, read with a deadline: who opens or reads one that nobody writes to would wait for ever."""

from __future__ import annotations

import errno
import os
import select
import time
from pathlib import Path

from av.error import TimeoutError as AvTimeoutError

_POLL = 0.05
"""Seconds between two looks at whether somebody writes at last: until then a pipe says that it has ended."""


def is_pipe(source: str) -> bool:
    """Whether ``source`` names a pipe."""
    return "://" not in source and Path(source).is_fifo()


class TimedPipe:
    """What FFmpeg reads a pipe through. Raises TimeoutError where nobody writes for ``timeout`` seconds."""

    def __init__(self, source: str, timeout: float) -> None:
        self.name = source
        self._timeout = timeout
        self._file = os.open(source, os.O_RDONLY | os.O_NONBLOCK)
        self._has_begun = False

    def read(self, size: int) -> bytes:
        """The next bytes, up to ``size``; none at the end."""
        deadline = time.monotonic() + self._timeout
        while (remaining := deadline - time.monotonic()) > 0:
            select.select([self._file], [], [], remaining)
            content = self._next(size)
            if content or (content is not None and self._has_begun):
                self._has_begun = True
                return content
            time.sleep(_POLL)
        raise AvTimeoutError(errno.ETIMEDOUT, f"nobody wrote to it for {self._timeout:g} s", self.name)

    def _next(self, size: int) -> bytes | None:
        """None: there is a writer, who has written nothing yet."""
        try:
            return os.read(self._file, size)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Let go of the pipe."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()
