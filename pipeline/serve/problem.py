"""An answer that refuses, apart from what sends it: a process that fetches a video need not load FastAPI."""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):  # noqa: N818 (as RFC 9457 calls it)
    """An answer that refuses: its status, one line for a person, further headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
