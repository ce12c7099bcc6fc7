"""How the service writes when something was."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """RFC 3339, of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
