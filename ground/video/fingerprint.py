"""Whether two names are of the same video: a short digest, without decoding."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ground.video.sequence import find_sequence, is_sequence

_MEGABYTE = 1 << 20


def fingerprint(source: str | Path) -> str:
    """SHA-256 (hex) over size, first and last megabyte of a file; over names and sizes for pictures.

    Empty for what is no file: an address, a pipe, or nothing.
    Raises OSError where it cannot be read, and InputError where pictures are no sequence.
    """
    path = Path(source)
    if "://" in str(source):
        return ""
    digest = hashlib.sha256()
    if is_sequence(path):
        for image in find_sequence(path, None).images:
            digest.update(f"{image.name}\0{image.stat().st_size}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()
    if not path.is_file():
        return ""
    size = path.stat().st_size
    digest.update(f"{size}\0".encode())
    with path.open("rb") as file:
        digest.update(file.read(_MEGABYTE))
        file.seek(max(file.tell(), size - _MEGABYTE))
        digest.update(file.read())
    return digest.hexdigest()
