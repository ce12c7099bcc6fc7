"""A folder kept to one run at a time: the second is told who holds it, a kill lets go of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ground.errors import InputError, unwritable

LOCK_NAME = ".courtscribe-lock"
"""File in a folder that is kept; it says by whom. What counts is the system's lock on it, not that it is there."""

_held: dict[Path, tuple[int, int] | None] = {}
"""What tells each lock's file from another one of its name."""


@contextmanager
def claim(folder: Path) -> Generator[None]:
    """Keep ``folder`` to this process; it is made if need be, and is gone afterwards if nothing was put in it.

    Within one process the same folder may be claimed again. Raises InputError where another process holds it, naming
    that one, where it cannot be written, and where it was removed or replaced meanwhile: then nobody holds it.
    """
    path = folder.absolute() / LOCK_NAME
    require_held(path)
    made = [place for place in (path.parent, *path.parent.parents) if not place.exists()]
    lock = FileLock(path, timeout=0, is_singleton=True, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
        _held.setdefault(path, _identity(path))
    except Timeout as error:
        raise InputError(
            f"{folder}: is being written by another run ({_holder(path)}); wait for it, or choose another place"
        ) from error
    except OSError as error:
        if lock.is_locked and lock.lock_counter == 1:
            with suppress(OSError):
                path.unlink()
        lock.release()
        _leave(made)
        raise unwritable(folder, error) from error
    try:
        yield
        require_held(path)
    except (InputError, OSError):
        require_held(path)  # the reason for whatever could not be read or written
        raise
    finally:
        if lock.lock_counter == 1 and _held.pop(path, None) == _identity(path):
            with suppress(OSError):  # what goes wrong now must not hide what went wrong before
                path.unlink(missing_ok=True)  # still held: whoever makes it anew has another one, and it is his
        lock.release()
        _leave(made)


def require_held(path: Path) -> None:
    """Raise InputError where ``path`` lies in a folder that this process keeps, and that was removed or replaced."""
    for held, identity in list(_held.items()):
        if held.parent in path.absolute().parents and identity != _identity(held):
            raise InputError(
                f"{held.parent}: was removed or replaced while it was written, and may lack files; "
                "give the same command again"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"


def _leave(made: list[Path]) -> None:
    """Take away the folders that were made for nothing."""
    with suppress(OSError):
        for place in made:
            place.rmdir()
