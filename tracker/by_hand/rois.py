"""Regions drawn by hand: whom to follow from which frame on, and where the court is. From flags and files, checked."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from ground.errors import InputError
from ground.files import read_text, write_text
from ground.frames import Frame
from tracker.names import clear_names, same

MIN_SIDE = 4.0
"""Pixels: a box that shows less than this of itself in width or height holds nothing that could be followed."""

_ENTRY = '{"box": [x, y, width, height], "name": "Anna", "frame": 120}'
_KEYS = ("box", "name", "frame", "time")
_COURT = '{"polygon": [[100, 300], [1200, 300], [1270, 700], [20, 700]], "frame": 120}'
_COURT_KEYS = ("polygon", "frame", "time")
_SPREAD = 0.4
"""Part of its convex hull that a court fills at least; corners in a wrong order cross over and fill less."""


@dataclass(frozen=True, slots=True)
class Roi:
    """One player, marked by a box in one frame (a region of interest)."""

    box: tuple[float, float, float, float]
    """Left, top, width, height in pixels of the source picture."""
    name: str | None = None
    """Shown instead of the player's number."""
    frame: int = 0
    """The box is drawn on the first frame at hand with at least this 0-based index."""
    time: float | None = None
    """Seconds. Given instead of ``frame``: the first frame shown at this time or later."""

    def __post_init__(self) -> None:
        if not (all(map(math.isfinite, self.box)) and self.box[2] > 0 and self.box[3] > 0):
            raise ValueError(f"a box has finite numbers and a positive width and height, not {self.box}")
        if self.time is not None and self.frame:
            raise ValueError("a box starts at a frame or at a time, not both")

    def starts_by(self, frame: Frame) -> bool:
        """Whether the player is followed in ``frame``, or was followed earlier."""
        return frame.index >= self.frame if self.time is None else frame.time >= self.time


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


def parse_roi(text: str) -> Roi:
    """``"612,240,58,140"`` (left, top, width, height in pixels) -> a box on the first frame. Raises InputError."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
        return Roi((x, y, width, height))
    except ValueError:
        raise InputError(
            f"{text}: expected x,y,width,height in pixels with a positive width and height, like 612,240,58,140", "roi"
        ) from None


def read_roi_file(path: Path) -> list[Roi]:
    """Boxes from a JSON list of ``{"box": [x, y, width, height], "name": ..., "frame": ... or "time": ...}``.

    ``name``, ``frame`` (0-based) and ``time`` (seconds) may be left out. Raises InputError that names the file and
    the line (malformed JSON) or the entry, counted from 1, and says what was expected.
    """
    entries = _read_list(path, "roi_file", "box", _ENTRY)
    rois = [_roi_of(entry, f"{path}: entry {n}") for n, entry in enumerate(entries, 1)]
    _check_names(rois, f"{path}: ")
    return rois


def write_roi_file(path: Path, rois: Sequence[Roi]) -> None:
    """Write ``rois`` as ``read_roi_file`` reads them, one entry per line. Raises InputError."""
    _write_list(path, [_entry_of(roi) for roi in rois])


def read_court_file(path: Path) -> list[CourtPolygon]:
    """The court's outline: a JSON list of its corners ``[x, y]``, drawn in the first frame; or a list of objects.

    An object is ``{"polygon": [[x, y], ...], "frame": ... or "time": ...}``; a moving camera carries an outline along
    until the next cut, so there may be one for each shot. Raises InputError that names the file and the line
    (malformed JSON) or the entry, counted from 1, and says what was expected.
    """
    entries = _read_list(path, "court", "corner [x, y]", _COURT)
    if all(isinstance(entry, list) for entry in entries):
        return [_court_of({"polygon": entries}, f"{path}")]
    return [_court_of(entry, f"{path}: entry {n}") for n, entry in enumerate(entries, 1)]


def write_court_file(path: Path, courts: Sequence[CourtPolygon]) -> None:
    """Write ``courts`` as ``read_court_file`` reads them, one entry per line. Raises InputError."""
    _write_list(path, [{"polygon": court.corners, **_start_of(court)} for court in courts])


def validate_rois(rois: Sequence[Roi], width: int, height: int) -> list[Roi]:
    """``rois`` cut off at the edges of a picture of ``width`` x ``height`` pixels.

    Raises InputError for no boxes at all, a box of which less than ``MIN_SIDE`` is inside, and a name given twice.
    """
    if not rois:
        raise InputError("no boxes to follow: give x,y,width,height of each, or a file of them", "roi")
    _check_names(rois, "")
    return [clip_roi(roi, n, width, height) for n, roi in enumerate(rois, 1)]


def clip_roi(roi: Roi, number: int, width: int, height: int) -> Roi:
    """``roi`` cut off at the picture's edges. Raises InputError that calls it box ``number``."""
    x, y, w, h = roi.box
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + w, float(width)), min(y + h, float(height))
    if right - left < MIN_SIDE or bottom - top < MIN_SIDE:
        who = f"{number} ({roi.name})" if roi.name else f"{number}"
        raise InputError(
            f"box {who}: {x:g},{y:g},{w:g},{h:g} shows less than {MIN_SIDE:g} pixels inside the picture "
            f"of {width}x{height}; give x,y,width,height within it"
        )
    clipped = (left, top, right - left, bottom - top)
    return roi if (left, top, right, bottom) == (x, y, x + w, y + h) else replace(roi, box=clipped)


def _read_list(path: Path, setting: str, what: str, example: str) -> list[Any]:
    try:
        entries = json.loads(read_text(path))
    except InputError as error:
        raise InputError(f"{error}; expected a JSON file", setting) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{path}: {place}: not JSON ({error.msg}); expected a list like [{example}]") from None
    except (RecursionError, ValueError):
        raise InputError(f"{path}: not a JSON text file; expected a list like [{example}]") from None
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: expected a list of at least one {what}, like [{example}]")
    return cast("list[Any]", entries)


def _write_list(path: Path, entries: Sequence[dict[str, Any]]) -> None:
    lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in entries)
    write_text(path, f"[\n{lines}\n]\n")


def _check_names(rois: Sequence[Roi], where: str) -> None:
    names = {number: same(roi.name) for number, roi in enumerate(rois, 1) if roi.name is not None}
    shown, first = clear_names(names)[0], dict[str, int]()
    for number, name in names.items():
        if first.setdefault(name, number) != number:
            raise InputError(f"{where}entries {first[name]} and {number} have the same name {name!r:.100}")
        if shown.get(number) != name:
            why = "a name is one short line, no number of another player, and nothing that a spreadsheet runs"
            hint = f"; write {shown[number]!r}" if number in shown else ""
            raise InputError(f"{where}entry {number}: the name {name!r:.100} cannot be kept: {why}{hint}")


def _roi_of(entry: Any, where: str) -> Roi:
    fields = _fields(entry, where, _KEYS, _ENTRY)
    box, name = fields.get("box"), fields.get("name")
    numbers = cast("list[Any]", box) if isinstance(box, list) else []
    if not (len(numbers) == 4 and all(map(_is_number, numbers))):
        raise InputError(f'{where}: "box" must be four numbers [x, y, width, height]')
    if numbers[2] <= 0 or numbers[3] <= 0:
        raise InputError(f'{where}: "box" must have a positive width and height, not {numbers[2]:g} and {numbers[3]:g}')
    if name is not None and not isinstance(name, str):
        raise InputError(f'{where}: "name" must be a text of one line')
    x, y, w, h = (float(value) for value in numbers)
    return Roi((x, y, w, h), name, *_start(fields, where))


def _court_of(entry: Any, where: str) -> CourtPolygon:
    fields = _fields(entry, where, _COURT_KEYS, _COURT)
    corners = fields.get("polygon")
    points = cast("list[Any]", corners) if isinstance(corners, list) else []
    for number, point in enumerate(points, 1):
        pair = cast("list[Any]", point) if isinstance(point, list) else []
        if not (len(pair) == 2 and all(map(_is_number, pair))):
            raise InputError(f"{where}: corner {number} must be two numbers [x, y]")
    try:
        return CourtPolygon(tuple((float(x), float(y)) for x, y in points), *_start(fields, where))
    except ValueError as error:
        raise InputError(f"{where}: {error}, like {_COURT}") from None


def _fields(entry: Any, where: str, known: tuple[str, ...], example: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: expected an object like {example}")
    fields = cast("dict[str, Any]", entry)
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
    return fields


def _start(fields: dict[str, Any], where: str) -> tuple[int, float | None]:
    """Where a region is drawn: its frame and its time."""
    frame, time = fields.get("frame"), fields.get("time")
    if frame is not None and not (_is_number(frame) and int(frame) == frame and frame >= 0):
        raise InputError(f'{where}: "frame" must be a whole number from 0 up')
    if time is not None and not (_is_number(time) and time >= 0):
        raise InputError(f'{where}: "time" must be seconds from 0 up')
    if frame is not None and time is not None:
        raise InputError(f'{where}: give "frame" or "time", not both')
    return int(frame or 0), None if time is None else float(time)


def _is_number(value: Any) -> bool:
    """A finite JSON number; JSON's true and false are ints to Python, but not to whoever wrote the file."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**31


def _entry_of(roi: Roi) -> dict[str, Any]:
    name = {} if roi.name is None else {"name": roi.name}
    return {"box": list(roi.box), **name, **_start_of(roi)}


def _start_of(region: Roi | CourtPolygon) -> dict[str, Any]:
    if region.time is not None:
        return {"time": region.time}
    return {"frame": region.frame} if region.frame else {}
