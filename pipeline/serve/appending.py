"""Bytes to the end of a file, so that its size is always what may be gone on from.

With a checksum, bytes count once they are whole and right: until then a mark beside the file says where it ended
before, and whoever asks or goes on heeds it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ground.disk.files import to_disk, write_text
from pipeline.serve.problem import Problem

ALGORITHMS = ("sha1", "sha256")
"""Of checksums."""
_MARK = ".unchecked"


def offset_of(path: Path) -> int:
    """Bytes of a file that may be gone on from; 0 where there is none."""
    try:
        mark = _mark_of(path)
        size = path.stat().st_size
    except OSError:
        return 0
    return size if mark is None else min(mark, size)


def _mark_of(path: Path) -> int | None:
    try:
        return int(path.with_name(path.name + _MARK).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except ValueError:
        return 0


def remove_file(path: Path) -> None:
    """Take a file or folder away, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


class Appending:
    """One piece on its way to the end of a file."""

    def __init__(self, path: Path, file: BinaryIO, room: int, checksum: tuple[str, bytes] | None) -> None:
        """Use ``to``."""
        self.path = path
        self._file, self._room, self._checksum = file, room, checksum
        self._digest = None if checksum is None else hashlib.new(checksum[0])
        self.is_whole = False
        """To be set when all of the piece has come."""

    @classmethod
    @contextmanager
    def to(cls, path: Path, room: int, checksum: tuple[str, bytes] | None = None) -> Generator[Appending]:
        """A piece for the file at ``path``. room: bytes that it may have at most. checksum: algorithm and digest.

        In the end it is on the disk; with a checksum, only if it is whole. Raises Problem (460) where that is another.
        """
        start, mark = offset_of(path), path.with_name(path.name + _MARK)
        with path.open("ab") as file:
            file.truncate(start)
            if checksum is not None:
                write_text(mark, str(start))
            else:
                mark.unlink(missing_ok=True)
            appending = cls(path, file, room, checksum)
            try:
                yield appending
            finally:
                is_right = appending._is_right()
                if not is_right:
                    file.truncate(start)
                file.flush()
                os.fsync(file.fileno())
                mark.unlink(missing_ok=True)
                to_disk(path.parent)
        if not is_right and appending.is_whole:
            raise Problem(460, "what came has another checksum than Upload-Checksum says; send it again")

    def write(self, block: bytes | bytearray) -> None:
        """Append ``block``. Raises Problem (413) where it is more than the video was said to have."""
        if len(block) > self._room:
            raise Problem(413, "this is more than Upload-Length said")
        self._room -= len(block)
        self._file.write(block)
        if self._digest is not None:
            self._digest.update(block)

    def _is_right(self) -> bool:
        if self._checksum is None or self._digest is None:
            return True
        return self.is_whole and hmac.compare_digest(self._digest.digest(), self._checksum[1])
