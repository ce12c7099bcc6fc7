"""Files that are fetched when somebody asks for them: whole and with the SHA-256 told of them, or not at all."""

from __future__ import annotations

import hashlib
import json
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from ground.disk.files import write_atomically
from ground.errors import InputError

_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
_PIECE = 1 << 20
_MOST_JSON = 1 << 24
"""Bytes."""
_FAILURES = (URLError, HTTPException, TimeoutError, ConnectionError)


def fetch(url: str, target: Path, sha256: str) -> None:
    """Have at ``target`` what ``url`` (https) gives. sha256: hex, in full or its first letters.

    Raises InputError where it cannot be fetched, is another file, or cannot be written.
    """
    with write_atomically(target) as part:
        try:
            digest = _receive(url, part)
        except _FAILURES as error:
            raise InputError(f"{url}: could not be downloaded ({error})") from error
        if not sha256 or not digest.startswith(sha256):
            raise InputError(f"{url}: is not the file that was published: SHA-256 {digest}, not {sha256}")


def fetch_json(url: str) -> Any:
    """What ``url`` (https) gives, as JSON. Raises InputError where it gives none."""
    try:
        with urlopen(_request(url), timeout=_TIMEOUT) as answer:
            return json.loads(answer.read(_MOST_JSON))
    except (*_FAILURES, ValueError, RecursionError) as error:
        raise InputError(f"{url}: could not be downloaded ({error})") from error


def _receive(url: str, path: Path) -> str:
    """Write what comes to ``path`` -> its SHA-256."""
    digest = hashlib.sha256()
    with urlopen(_request(url), timeout=_TIMEOUT) as answer, path.open("wb") as file:
        while piece := answer.read(_PIECE):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _request(url: str) -> Request:
    if not url.startswith("https://"):
        raise ValueError(f"{url}: only https is fetched")
    return Request(url, headers={"User-Agent": "courtscribe"})
