"""One video fetched from an address, in a process of its own: ``python -m pipeline.serve.fetch``.

It is told what to do in one line of JSON, ends when its input does, and says in JSON why it could not, or nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from ground.disk.files import write_text
from ground.errors import InputError
from pipeline.serve.appending import remove_file
from pipeline.serve.limits import limit
from pipeline.serve.public import PrivateAddressError, only_public
from pipeline.web.page import AGENT, is_html

_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
_BLOCK = 1 << 18
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before what broke off is gone on with; none of it is counted where something came."""
_MARK = ".source"
"""After the name of the file: by what the rest is known to be of the same."""
_REDIRECTS = 5
_MOST_MEMORY = 3 << 30
"""Bytes of address space."""


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


def fetch(url: str, path: Path, most_bytes: int, pauses: tuple[float, ...] = _PAUSES) -> None:
    """Have at ``path`` what ``url`` gives, going on from what is there of it.

    Raises InputError where it cannot be had or has more than ``most_bytes``, PageError where it is a page.
    """
    opener, tries = build_opener(_Redirects), 0
    while True:
        before = _size(path)
        try:
            if _receive(opener, url, path, most_bytes):
                return
            reason = "the connection broke off"
        except HTTPError as error:
            if error.code < 500 and error.code not in (408, 425, 429):
                raise InputError(f"cannot be fetched: {error.code} {error.reason}") from error
            reason = f"{error.code} {error.reason}"
        except (OSError, HTTPException, ValueError) as error:
            reason = _reason(error)
        tries = 0 if _size(path) > before else tries + 1
        if tries > len(pauses):
            raise InputError(f"cannot be fetched: {reason}")
        time.sleep(pauses[max(0, tries - 1)])


def _reason(error: Exception) -> str:
    """Why; raises InputError where trying again is of no use."""
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, PrivateAddressError | InputError):
        raise InputError(str(inner)) from error
    if isinstance(error, ValueError):
        raise InputError(f"cannot be fetched: {error}") from error
    return str(inner) or type(inner).__name__


def _receive(opener: OpenerDirector, url: str, path: Path, most_bytes: int) -> bool:
    """One connection's worth -> whether it is all there."""
    there, known = _size(path), _known(path)
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if there and known:
        headers |= {"Range": f"bytes={there}-", "If-Range": known}
    with opener.open(Request(url, headers=headers), timeout=_TIMEOUT) as answer:
        start = there if answer.status == 206 and known else 0
        length = answer.headers.get("content-length", "")
        total = start + int(length) if length.isdecimal() else None
        _require_size(total or 0, most_bytes)
        first = answer.read(_BLOCK)
        if not start and is_html(answer.headers.get("content-type"), first):
            raise PageError
        _remember(path, answer.headers)
        with path.open("ab") as file:
            file.truncate(start)
            end = _copy(answer, first, file, start, most_bytes)
    return total is None or end >= total


def _copy(answer: Any, block: bytes, file: BinaryIO, start: int, most_bytes: int) -> int:
    """Write what comes -> where it ends."""
    try:
        while block:
            start += len(block)
            _require_size(start, most_bytes)
            file.write(block)
            block = answer.read1(_BLOCK)
    finally:
        file.flush()
        os.fsync(file.fileno())
    return start


def _require_size(size: int, most: int) -> None:
    if size > most:
        raise InputError(f"has more than {most} bytes, which is what may be kept here")


def _size(path: Path) -> int:
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


def _fetch_page(url: str, path: Path, most_bytes: int) -> None:
    from pipeline.web.fetch import fetch as fetch_video
    from pipeline.web.fetch import look_at

    folder = path.with_name(f"{path.name}.page")
    fetch_video(look_at(url), folder, most_bytes=most_bytes).path.replace(path)
    remove_file(folder)


def _run(order: Mapping[str, Any]) -> str:
    """Do what is told -> why it could not be; empty: it is done."""
    url, path, most_bytes = str(order["url"]), Path(order["path"]), int(order["most_bytes"])
    limit(_MOST_MEMORY, most_bytes + _BLOCK)
    if not order["allow_private"]:
        _without_proxies()
        only_public()
    try:
        try:
            fetch(url, path, most_bytes)
        except PageError:
            if not order["pages"]:
                return "answers with a page and not with a video; only addresses of videos are fetched here"
            _fetch_page(url, path, most_bytes)
    except (InputError, OSError) as error:
        return str(error)
    return ""


def _without_proxies() -> None:
    """A proxy would go for us to where we may not."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]


def _end_with_input() -> None:
    """The service that wanted it is gone when the input ends."""
    with suppress(OSError, ValueError):
        sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """The process."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    said = _run(order)
    sys.stdout.write(json.dumps({"error": said}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
