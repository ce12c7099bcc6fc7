"""Whether two names are of the same video: a short digest, without decoding."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ground.files import visible

_MEGABYTE = 1 << 20


def fingerprint(source: str | Path) -> str:
    """SHA-256 (hex) over size, first and last megabyte of a file; over names and sizes for a folder of pictures.

    Empty for what is no file: an address, a pipe, or nothing. Raises OSError where it cannot be read.
    """
    path = Path(source)
    if "://" in str(source) or not (path.is_file() or path.is_dir()):
        return ""
    digest = hashlib.sha256()
    if path.is_dir():
        for entry in visible(path):
            digest.update(f"{entry.name}\0{entry.stat().st_size}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()
    size = path.stat().st_size
    digest.update(f"{size}\0".encode())
    with path.open("rb") as file:
        digest.update(file.read(_MEGABYTE))
        file.seek(max(file.tell(), size - _MEGABYTE))
        digest.update(file.read())
    return digest.hexdigest()
