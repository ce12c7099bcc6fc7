"""What an address gives, whole, on disk: gone on with after a break, where the server can go on."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from ground.disk.files import write_text
from ground.errors import InputError, unwritable
from pipeline.progress import Progress, Silent
from pipeline.web.page import AGENT, is_html

_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
BLOCK = 1 << 18
"""Bytes that are written at once."""
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before what broke off is gone on with; none of it is counted where something came."""
_MARK = ".source"
"""After the name of the file: by what the rest is known to be of the same."""
_REDIRECTS = 5


class _Redirects(HTTPRedirectHandler):
    max_redirections = max_repeats = _REDIRECTS

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """See urllib. Each step is a connection of its own, which ``only_public`` looks at."""
        if not newurl.lower().startswith(("http://", "https://")):
            raise InputError("leads on to an address that is neither http:// nor https://")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class PageError(Exception):
    """A page was answered, and no video."""


def download(
    url: str,
    path: Path,
    most_bytes: int,
    pauses: tuple[float, ...] = _PAUSES,
    progress: Progress | None = None,
) -> None:
    """Have at ``path`` what ``url`` gives, going on from what is there of it.

    Raises InputError where it cannot be had or written, or has more than ``most_bytes``, PageError where it is a page,
    and ``Cancelled`` as ``progress`` does.
    """
    opener, tries = build_opener(_Redirects), 0
    while True:
        before = size_so_far(path)
        try:
            if _receive(opener, url, path, most_bytes, progress or Silent()):
                return
            reason = "the connection broke off"
        except HTTPError as error:
            if error.code < 500 and error.code not in (408, 425, 429):
                raise InputError(f"cannot be fetched: {error.code} {error.reason}") from error
            reason = f"{error.code} {error.reason}"
        except (OSError, HTTPException, ValueError) as error:
            reason = _reason(error)
        tries = 0 if size_so_far(path) > before else tries + 1
        if tries > len(pauses):
            raise InputError(f"cannot be fetched: {reason}")
        time.sleep(pauses[max(0, tries - 1)])


def _reason(error: Exception) -> str:
    """Why; raises InputError where trying again is of no use."""
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, PermissionError | InputError):  # nobody lets us go there, and will not later
        raise InputError(str(inner)) from error
    if isinstance(error, ValueError):
        raise InputError(f"cannot be fetched: {error}") from error
    return str(inner) or type(inner).__name__


def _receive(opener: OpenerDirector, url: str, path: Path, most_bytes: int, progress: Progress) -> bool:
    """One connection's worth -> whether it is all there."""
    there, known = size_so_far(path), _known(path)
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if there and known:
        headers |= {"Range": f"bytes={there}-", "If-Range": known}
    with opener.open(Request(url, headers=headers), timeout=_TIMEOUT) as answer:
        start = there if answer.status == 206 and known else 0
        length = answer.headers.get("content-length", "")
        total = start + int(length) if length.isdecimal() else None
        _require_size(total or 0, most_bytes)
        first = answer.read(BLOCK)
        if not start and is_html(answer.headers.get("content-type"), first):
            raise PageError
        with _File(path) as file, progress.stage("fetch", total, "byte", start) as advance:
            file.begin(start, answer.headers)
            end = start
            while first:
                end += len(first)
                _require_size(end, most_bytes)
                file.write(first)
                advance(len(first))
                first = answer.read1(BLOCK)
    return total is None or end >= total


class _File:
    """What is written to; what the disk refuses is no fault of the connection, and no reason to try again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def begin(self, start: int, headers: Mapping[str, str]) -> None:
        """Go on after ``start`` bytes."""
        try:
            _remember(self._path, headers)
            self._file = self._path.open("ab")
            self._file.truncate(start)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def write(self, block: bytes) -> None:
        """One more block."""
        assert self._file is not None
        try:
            self._file.write(block)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is None:
            return
        try:
            with self._file as file:
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from error


def _require_size(size: int, most: int) -> None:
    if size > most:
        raise InputError(f"has more than {most} bytes, which is what may be kept here")


def size_so_far(path: Path) -> int:
    """Bytes that are there of what is fetched to ``path``; 0 where there is no file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _known(path: Path) -> str:
    try:
        return path.with_name(path.name + _MARK).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _remember(path: Path, headers: Mapping[str, str]) -> None:
    """By what the rest may be asked for: a strong mark of the content, or when it was changed."""
    mark = headers.get("etag") or ""
    mark = headers.get("last-modified") or "" if not mark or mark.startswith("W/") else mark
    write_text(path.with_name(path.name + _MARK), mark if mark.isascii() and mark.isprintable() else "")
