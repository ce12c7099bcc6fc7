"""Files that are either written whole or not at all."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tracker.errors import InputError


@contextmanager
def write_atomically(path: Path) -> Generator[Path]:
    """A temporary path beside ``path`` to write to; it becomes ``path`` when all went well and is removed otherwise.

    Missing folders are made. Raises InputError where the file cannot be written (permissions, a full disk).
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        about = str(error.filename or part).removeprefix("file:")  # FFmpeg names a file by its protocol too
        if about not in (str(part), *map(str, part.parents)):
            raise  # about some other file
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose another place"
        ) from error
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:  # its folder is no folder, or is locked: then nothing was written either
        return
