"""Whether an address is that of a page or of a video: by what is answered, not by how the address looks."""

from __future__ import annotations

from http.client import HTTPException
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


def is_page(source: str) -> bool:
    """Whether ``source`` answers with a page of HTML.

    False for what is no address of HTTP, and where nothing is answered: whoever reads it as a video says why.
    """
    if not is_address(source):
        return False
    try:
        with urlopen(Request(source, headers={"User-Agent": AGENT}), timeout=_TIMEOUT) as answer:
            return is_html(answer.headers["content-type"], answer.read(_SEEN))
    except (OSError, HTTPException, ValueError):
        return False


def is_html(kind: str | None, beginning: bytes) -> bool:
    """Whether an answer is a page. kind: its ``Content-Type``; None: nothing was said.

    A server that says nothing, or calls a video a text, is not believed.
    """
    if kind is None:
        return beginning.lstrip().lower().startswith(_BEGINNINGS)
    return kind.partition(";")[0].strip().lower() in _PAGES and b"\0" not in beginning
