"""A command that is ended, or finds the disk full, at its n-th write; for `kills.py` and the tests.

    python benchmarks/at_write.py FOLDER N exit|full COMMAND ...

A write is what changes FOLDER and Python sees: a file opened for writing, renamed or removed, a folder made or removed.
What FFmpeg writes is between two of them.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir"})
"""Events of Python's audit that change a folder, beside opening a file for writing."""
KILLED = 137


def watch_writes(folder: Path, change: Callable[[int], object]) -> None:
    """Have ``change`` called before each write in ``folder``, with its number, from 1. It cannot be undone."""
    place, count = str(folder.absolute()), 0

    def look(event: str, about: tuple[Any, ...]) -> None:
        nonlocal count
        if _is_write(event, about) and _name(about[0]).startswith(place):
            count += 1
            change(count)

    sys.addaudithook(look)


def _is_write(event: str, about: tuple[Any, ...]) -> bool:
    if event == "open":
        return bool(about[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in _CHANGES and os.path.lexists(about[0]) is (event != "os.mkdir")


def _name(path: object) -> str:
    return str(Path(os.fsdecode(path)).absolute()) if isinstance(path, str | bytes | os.PathLike) else ""


def fail_at(number: int, how: str) -> Callable[[int], None]:
    """What ends the process at its write ``number`` ("exit"), or has that write and all later ones fail ("full")."""

    def change(count: int) -> None:
        if how == "exit" and count == number:
            os._exit(KILLED)
        if how == "full" and count >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return change


def main() -> int:
    """Run a command of courtscribe under a fault."""
    from pipeline.runners.cli import main as run

    folder, number, how, *arguments = sys.argv[1:]
    watch_writes(Path(folder), fail_at(int(number), how))
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
