"""Whether an address is that of a page or of a video, and how a server gives it: by what is answered, not by how the
address looks."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

AGENT = "Mozilla/5.0 (compatible; courtscribe)"
"""As which we ask."""
_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_BEGINNINGS = (b"<!doctype html", b"<html")
_SEEN = 512
"""Bytes that are looked at."""


def is_address(source: str) -> bool:
    """Whether ``source`` is asked for by HTTP."""
    return source.lower().startswith(("http://", "https://"))


def end_of(url: str) -> str:
    """What an address is called by: its last part, or its server; one line that can be shown."""
    parts = urlsplit(url)
    end = Path(unquote(parts.path)).name
    return "".join(letter for letter in end if letter.isprintable()) or parts.hostname or ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What an address answers at its beginning."""

    is_page: bool
    """A page of HTML."""
    whole_bytes: int | None
    """Length of a file that its server gives from the beginning only, so that nobody can look at its end first; None:
    any part of it can be had, it has no end that is known, or it is a list of other addresses."""


def answered(source: str) -> Answered | None:
    """What ``source`` answers; None for what is no address of HTTP, and where nothing is: whoever reads it says why."""
    if not is_address(source):
        return None
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", "Range": "bytes=0-"}
    try:
        with urlopen(Request(source, headers=headers), timeout=_TIMEOUT) as answer:
            beginning, length = answer.read(_SEEN), answer.headers["content-length"] or ""
            has_ranges = answer.status == 206 or "bytes" in (answer.headers["accept-ranges"] or "").lower()
            is_whole = not has_ranges and length.isdecimal() and b"\0" in beginning
            is_page = is_html(answer.headers["content-type"], beginning)
    except (OSError, HTTPException, ValueError):
        return None
    return Answered(is_page, int(length) if is_whole and not is_page else None)


def is_html(kind: str | None, beginning: bytes) -> bool:
    """Whether an answer is a page. kind: its ``Content-Type``; None: nothing was said.

    A server that says nothing, or calls a video a text, is not believed.
    """
    if kind is None:
        return beginning.lstrip().lower().startswith(_BEGINNINGS)
    return kind.partition(";")[0].strip().lower() in _PAGES and b"\0" not in beginning
