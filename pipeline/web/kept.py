"""What was fetched into a folder, and whence: a file beside it says so, and the same address is not fetched again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ground.disk.files import write_text
from ground.errors import InputError

FACTS = "fetched.json"
"""File in the folder of the results that says of which address the video beside it is."""
NAME, PARTS = "fetched", "fetched-"
"""What the names of the video, and of files while they are being fetched, begin with."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The video of an address, on disk."""

    path: Path
    url: str
    title: str
    """What people call it."""

    @property
    def note(self) -> str:
        """Whence it is, a line."""
        return f"fetched from {self.url} ({self.title})"


def kept_video(url: str, folder: Path) -> Fetched | None:
    """What was fetched from ``url`` into ``folder`` before, whole; None where nothing was.

    Raises InputError where the folder holds what was fetched from another address.
    """
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        of, name, title = str(facts["source"]), facts["file"], str(facts["title"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if of != url:
        raise InputError(f"{folder}: holds the video of {of}; choose another folder")
    path = None if name is None else folder / Path(name).name
    return Fetched(path, url, title) if path is not None and path.is_file() else None


def begin(url: str, title: str, folder: Path) -> None:
    """Say what will be fetched into ``folder``, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(url, title, folder, None)


def finish(path: Path, url: str, title: str) -> Fetched:
    """It is all there, as ``path``: say so, and take away what is left of the fetching. Raises OSError."""
    _write(url, title, path.parent, path.name)
    for left in path.parent.glob(f"{PARTS}*"):
        left.unlink()
    return Fetched(path, url, title)


def _write(url: str, title: str, folder: Path, name: str | None) -> None:
    write_text(folder / FACTS, json.dumps({"source": url, "title": title, "file": name}) + "\n")
