"""Boxes drawn by hand: whom to follow from which frame on. From flags and files, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ground.errors import InputError
from ground.frames import Frame
from tracker.by_hand.region_file import is_number, read_entries, read_fields, read_start, start_fields, write_entries
from tracker.names import clear_names, same

MIN_SIDE = 4.0
"""Pixels: a box that shows less than this of itself in width or height holds nothing that could be followed."""

_ENTRY = '{"box": [x, y, width, height], "name": "Anna", "frame": 120}'
_KEYS = ("box", "name", "frame", "time")


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
    entries = read_entries(path, "roi_file", "box", _ENTRY)
    rois = [_roi_of(entry, f"{path}: entry {n}") for n, entry in enumerate(entries, 1)]
    _check_names(rois, f"{path}: ")
    return rois


def write_roi_file(path: Path, rois: Sequence[Roi]) -> None:
    """Write ``rois`` as ``read_roi_file`` reads them, one entry per line. Raises InputError."""
    write_entries(path, [_entry_of(roi) for roi in rois])


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
    fields = read_fields(entry, where, _KEYS, _ENTRY)
    box, name = fields.get("box"), fields.get("name")
    numbers = cast("list[Any]", box) if isinstance(box, list) else []
    if not (len(numbers) == 4 and all(map(is_number, numbers))):
        raise InputError(f'{where}: "box" must be four numbers [x, y, width, height]')
    if numbers[2] <= 0 or numbers[3] <= 0:
        raise InputError(f'{where}: "box" must have a positive width and height, not {numbers[2]:g} and {numbers[3]:g}')
    if name is not None and not isinstance(name, str):
        raise InputError(f'{where}: "name" must be a text of one line')
    x, y, w, h = (float(value) for value in numbers)
    return Roi((x, y, w, h), name, *read_start(fields, where))


def _entry_of(roi: Roi) -> dict[str, Any]:
    name = {} if roi.name is None else {"name": roi.name}
    return {"box": list(roi.box), **name, **start_fields(roi.frame, roi.time)}
