"""What the service is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ground.errors import InputError
from pipeline.offers import Field

LONGEST_JSON = 1 << 20
"""Bytes of a request that is no upload."""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Settings of the service. Raises InputError for limits that let nothing through."""

    data: Path
    """Folder of all that it keeps: the database, videos, jobs."""
    workers: int = 1
    """Jobs at once."""
    command: tuple[str, ...] = ()
    """What runs courtscribe."""
    fields: tuple[Field, ...] = ()
    """Settings that a job may choose."""
    most_upload_bytes: int = 20 << 30
    most_seconds: float = 4 * 3600.0
    """Of one video."""
    most_pixels: int = 4096 * 2304
    """Of one picture of a video."""
    most_queue: int = 100
    """Jobs that wait, of all tokens together."""
    upload_expiry_hours: float = 24.0
    """After which an upload that nobody goes on with is removed."""
    allow_private_urls: bool = False
    """Whether videos may be fetched from this machine's own network."""
    fetch_pages: bool = False
    """Whether a page that holds a video may be fetched from, through yt-dlp."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses, comma-separated, whose word about the client's address is taken."""
    patience: float = 60.0
    """Seconds that a client may be silent in the middle of a request."""

    def __post_init__(self) -> None:
        limits = ("workers", "most_upload_bytes", "most_seconds", "most_pixels", "most_queue", "upload_expiry_hours")
        for name in limits:
            if not getattr(self, name) > 0:
                raise InputError(f"{name.replace('_', ' ')} is to be more than 0", name)
