"""Files of tracks by format: MOTChallenge, COCO-style JSON, and CVAT's XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ground.errors import InputError
from tracker.files.coco import read_coco
from tracker.files.coco_writer import write_coco
from tracker.files.cvat import read_cvat
from tracker.files.cvat_writer import write_cvat
from tracker.files.mot import read_people, write_tracks
from tracker.files.track_file import TrackFile, without_zero

_FIRST = {b"<": "cvat", b"{": "coco", b"[": "coco"}
"""Formats by the first letter of their files; MOTChallenge's begin with a number or a word."""
_MARKS_AND_SPACE = b"\xef\xbb\xbf\xff\xfe \t\r\n"
_CHOICE = "#"
"""Between a file and the video that is chosen from it."""


def _mot(path: Path, _video: str, wanted: Sequence[str]) -> TrackFile:
    tracks, notes = read_people(path, wanted)
    return TrackFile(tracks, notes=notes)


READERS: Mapping[str, Callable[[Path, str, Sequence[str]], TrackFile]] = {
    "mot": _mot,
    "coco": read_coco,
    "cvat": lambda path, _video, wanted: read_cvat(path, wanted),
}
"""How each format is read: file, video, classes to follow."""
WRITERS: Mapping[str, Callable[[Path, TrackFile], None]] = {
    "mot": lambda path, content: write_tracks(path, content.tracks),
    "coco": write_coco,
    "cvat": write_cvat,
}
"""How each format is written; the file appears whole or not at all."""


def format_of(path: Path) -> str:
    """``mot``, ``coco`` or ``cvat``, by what the file begins with; its name plays no part.

    Raises InputError where it cannot be read, or is an archive.
    """
    path, _ = split_choice(path)
    try:
        with path.open("rb") as file:
            head = file.read(1000)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', error)})") from error
    if head.startswith(b"PK\x03\x04"):
        raise InputError(f"{path}: is an archive; unpack it and give the file of tracks in it")
    return _FIRST.get(head.replace(b"\0", b"").lstrip(_MARKS_AND_SPACE)[:1], "mot")


def split_choice(place: Path) -> tuple[Path, str]:
    """``FILE#VIDEO`` -> the file and the video; a file that has such a name goes before."""
    text = str(place)
    for at in range(len(text)):
        if text[at] == _CHOICE and not place.exists() and Path(text[:at]).is_file():
            return Path(text[:at]), text[at + 1 :]
    return place, ""


def read_tracks_file(path: Path, kind: str = "", classes: Sequence[str] = ()) -> TrackFile:
    """Tracks of people, with names and actions where the format has them.

    path: a file, or ``FILE#VIDEO`` for one of the videos of a COCO file. kind: one of ``READERS``, where the file's
    beginning misleads. classes: the file's classes to take instead of people.
    Raises InputError, with the line or the entry, for what cannot be read.
    """
    file, video = split_choice(path)
    kind = kind or format_of(file)
    if video and kind != "coco":
        raise InputError(f"{path}: there is no such file, and {file.name} is no COCO file with videos to choose from")
    return without_zero(READERS[kind](file, video, classes))
