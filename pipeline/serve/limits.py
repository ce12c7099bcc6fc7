"""What this process may take from now on: bounds that the system keeps, whatever a library does."""

from __future__ import annotations

import resource
from contextlib import suppress


def limit(memory: int, file_bytes: int, seconds: float | None = None) -> None:
    """At most so many bytes of address space, bytes of a file that is written, and seconds of a processor."""
    _set(resource.RLIMIT_AS, memory)
    _set(resource.RLIMIT_FSIZE, file_bytes)
    _set(resource.RLIMIT_CORE, 0)
    if seconds is not None:
        _set(resource.RLIMIT_CPU, round(seconds))


def _set(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # macOS knows no limit of address space
        resource.setrlimit(kind, (most, most))
