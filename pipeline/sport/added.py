"""Where examples that were added one by one lie: a file each, under its sport's id. Their pictures are not kept."""

from __future__ import annotations

import re
from pathlib import Path

from ground.disk.files import visible

_EXAMPLE_ID = re.compile(r"[0-9a-f]{16}")
_ENDING = ".npy"
_DIGITS = 16
"""Of the digest of the network that made a row, in its file's name."""


def example_path(folder: Path, sport_id: str, example_id: str, digest: str) -> Path:
    """digest: of the network that made the row."""
    return folder / sport_id / f"{example_id}.{digest[:_DIGITS]}{_ENDING}"


def example_ids(folder: Path, sport_id: str) -> list[str]:
    """Of a sport, sorted. Raises InputError where the folder cannot be read."""
    return sorted({path.name[:16] for path in _files(folder / sport_id)})


def remove_example(folder: Path, sport_id: str, example_id: str) -> bool:
    """Whether there was one."""
    gone = [path for path in _files(folder / sport_id) if path.name[:16] == example_id]
    for path in gone:
        path.unlink(missing_ok=True)
    return bool(gone)


def remove_elsewhere(folder: Path, sport_id: str, example_id: str) -> None:
    """Take an example away from all sports but one: of two words about a picture the later one holds."""
    for other in visible(folder):
        if other.name != sport_id and other.is_dir():
            remove_example(folder, other.name, example_id)


def _files(folder: Path) -> list[Path]:
    inside = visible(folder) if folder.is_dir() else []
    return [path for path in inside if path.name.endswith(_ENDING) and _EXAMPLE_ID.fullmatch(path.name[:16])]
