"""The court's outline, drawn by hand: read, checked, written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from ground.errors import InputError
from tracker.by_hand.region_file import is_number, read_entries, read_fields, read_start, start_fields, write_entries
from tracker.by_hand.rois import MIN_SIDE

_COURT = '{"polygon": [[100, 300], [1200, 300], [1270, 700], [20, 700]], "frame": 120}'
_COURT_KEYS = ("polygon", "frame", "time")
_SPREAD = 0.4
"""Part of its convex hull that a court fills at least; corners in a wrong order cross over and fill less."""


@dataclass(frozen=True, slots=True)
class CourtPolygon:
    """The court's outline in one frame."""

    corners: tuple[tuple[float, float], ...]
    """x, y in pixels of the source picture, three or more, in order around the court; they may lie outside it."""
    frame: int = 0
    """The outline is that of the first frame at hand with at least this 0-based index."""
    time: float | None = None
    """Seconds. Given instead of ``frame``: the first frame shown at this time or later."""

    def __post_init__(self) -> None:
        corners = np.array(self.corners, np.float32).reshape(-1, 2)
        if len(corners) < 3 or not np.isfinite(corners).all():
            raise ValueError("a court has three or more corners [x, y]")
        if cv2.contourArea(corners) <= max(MIN_SIDE**2, _SPREAD * cv2.contourArea(cv2.convexHull(corners))):
            raise ValueError("a court's corners are given in order around it, and hold some room")
        if self.time is not None and self.frame:
            raise ValueError("a court is drawn in a frame or at a time, not both")


def read_court_file(path: Path) -> list[CourtPolygon]:
    """The court's outline: a JSON list of its corners ``[x, y]``, drawn in the first frame; or a list of objects.

    An object is ``{"polygon": [[x, y], ...], "frame": ... or "time": ...}``; a moving camera carries an outline along
    until the next cut, so there may be one for each shot. Raises InputError that names the file and the line
    (malformed JSON) or the entry, counted from 1, and says what was expected.
    """
    entries = read_entries(path, "court", "corner [x, y]", _COURT)
    if all(isinstance(entry, list) for entry in entries):
        return [outline_of({"polygon": entries}, f"{path}")]
    return [outline_of(entry, f"{path}: entry {n}") for n, entry in enumerate(entries, 1)]


def write_court_file(path: Path, courts: Sequence[CourtPolygon]) -> None:
    """Write ``courts`` as ``read_court_file`` reads them, one entry per line. Raises InputError."""
    write_entries(path, [{"polygon": court.corners, **start_fields(court.frame, court.time)} for court in courts])


def outline_of(entry: Any, where: str) -> CourtPolygon:
    """An entry of a court's file as an outline. Raises InputError that says ``where`` it is none."""
    fields = read_fields(entry, where, _COURT_KEYS, _COURT)
    corners = fields.get("polygon")
    points = cast("list[Any]", corners) if isinstance(corners, list) else []
    for number, point in enumerate(points, 1):
        pair = cast("list[Any]", point) if isinstance(point, list) else []
        if not (len(pair) == 2 and all(map(is_number, pair))):
            raise InputError(f"{where}: corner {number} must be two numbers [x, y]")
    try:
        return CourtPolygon(tuple((float(x), float(y)) for x, y in points), *read_start(fields, where))
    except ValueError as error:
        raise InputError(f"{where}: {error}, like {_COURT}") from None
