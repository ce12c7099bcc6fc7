"""Files: written whole or not at all, text as people's programs save it, folders without what systems leave in them."""

from __future__ import annotations

import codecs
import hashlib
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ground.disk.lock import require_held
from ground.errors import InputError, unwritable

PART_PREFIX, PART_SUFFIX = ".courtscribe-", ".part"
"""Around the names of files that are being written."""
MOST_BYTES = 1 << 30
"""Of a file that is read in one piece: two hours of twenty boxes a frame take 300 MB of text."""
_PIECE = 1 << 20
_SYSTEM_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})
"""What Windows, macOS and network drives leave in folders, in lower case."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@contextmanager
def write_atomically(path: Path) -> Generator[Path]:
    """A temporary path beside ``path`` to write to; it becomes ``path`` when all went well and is removed otherwise.

    The temporary name is this writer's own: of two that write to one path, the later one to finish is kept, whole. What
    is written has reached the disk before it gets its name. Missing folders are made.
    Raises InputError where the file cannot be written (permissions, a full disk), and as ``require_held``.
    """
    require_held(path)
    part = path.with_name(f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{PART_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        to_disk(part)
        part.replace(path)
        to_disk(path.parent)
    except OSError as error:
        about = str(error.filename or part).removeprefix("file:")  # FFmpeg names a file by its protocol too
        if about not in (str(part), *map(str, part.parents)):
            raise  # about some other file
        raise unwritable(path, error) from error
    finally:
        _remove(part)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` in UTF-8, whole or not at all. Raises InputError as ``write_atomically``."""
    with write_atomically(path) as part:
        part.write_text(text, encoding="utf-8", newline="")


def read_bytes(path: Path) -> bytes:
    """What is in a file that is read in one piece.

    Raises InputError for a file that is not there, and for one that is larger than ``MOST_BYTES``, or never ends.
    """
    pieces, room = list[bytes](), MOST_BYTES
    try:
        with path.open("rb") as file:
            while room >= 0 and (piece := file.read(_PIECE)):
                pieces.append(piece)
                room -= len(piece)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path!s:.80}: is no name of a file ({error})") from error
    if room < 0:
        raise InputError(f"{path}: is larger than {MOST_BYTES / 1e9:.1f} GB, which no file of its kind is")
    return b"".join(pieces)


def read_text(path: Path) -> str:
    """The text of a file as editors and spreadsheets save it: UTF-8 or UTF-16, with or without a byte order mark.

    Ends of lines are ``\\n`` whatever they were. Raises InputError as ``read_bytes``, and for what is no such text.
    """
    content = read_bytes(path)
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def visible(folder: Path) -> list[Path]:
    """What a person sees in ``folder``, sorted by name: no hidden files, and nothing that the system left there.

    Raises InputError where it cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if is_visible(path.name))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from error


def is_visible(name: str) -> bool:
    """Whether a file or folder of this name is a person's: ``._x.jpg``, ``.DS_Store``, ``Thumbs.db`` are not."""
    return not name.startswith(".") and name.lower() not in _SYSTEM_NAMES


def to_disk(path: Path) -> None:
    """Wait until ``path``, a file or the names in a folder, would survive a power cut."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder may be written to and not read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if path.is_file():
            error.filename = error.filename or str(path)
            raise
    finally:
        os.close(handle)


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:  # its folder is no folder, or is locked: then nothing was written either
        return


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
