"""Files of tracks by format: MOTChallenge, COCO-style JSON, and CVAT's XML."""

from __future__ import annotations

from pathlib import Path

from ground.errors import InputError
from tracker.coco import read_coco
from tracker.cvat import read_cvat
from tracker.mot import read_tracks
from tracker.track_file import TrackFile


def is_mot(path: Path) -> bool:
    """Whether ``path`` is taken for a MOTChallenge file, by its name."""
    return path.suffix.lower() not in (".xml", ".json", ".zip")


def read_tracks_file(path: Path) -> TrackFile:
    """Tracks with names and actions, where the format has them: ``.xml`` is CVAT's, ``.json`` COCO's, others MOT's.

    Raises InputError, with the line or the entry, for what cannot be read.
    """
    if path.suffix.lower() == ".zip":
        raise InputError(f"{path}: is an archive; unpack it and give its annotations.xml")
    if is_mot(path):
        return TrackFile(read_tracks(path))
    return read_cvat(path) if path.suffix.lower() == ".xml" else read_coco(path)
