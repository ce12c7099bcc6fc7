"""Boxes chosen by hand: who is to be followed, from which frame on. From the command line, from a file, checked."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tracker.errors import InputError
from tracker.types import Frame

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
            f"--roi {text}: expected x,y,width,height in pixels with a positive width and height, like 612,240,58,140"
        ) from None


def read_roi_file(path: Path) -> list[Roi]:
    """Boxes from a JSON list of ``{"box": [x, y, width, height], "name": ..., "frame": ... or "time": ...}``.

    ``name``, ``frame`` (0-based) and ``time`` (seconds) may be left out. Raises InputError that names the file and
    the line (malformed JSON) or the entry, counted from 1, and says what was expected.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); --roi-file takes a JSON file of boxes") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{path}: {place}: not JSON ({error.msg}); expected a list like [{_ENTRY}]") from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise InputError(f"{path}: not a JSON text file; expected a list like [{_ENTRY}]") from None
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: expected a list of at least one box, like [{_ENTRY}]")
    rois = [_roi_of(entry, f"{path}: entry {n}") for n, entry in enumerate(cast("list[Any]", entries), 1)]
    _check_names(rois, f"{path}: ")
    return rois


def write_roi_file(path: Path, rois: Sequence[Roi]) -> None:
    """Write ``rois`` as ``read_roi_file`` reads them, one entry per line. Raises InputError."""
    entries = ",\n".join("  " + json.dumps(_entry_of(roi), ensure_ascii=False) for roi in rois)
    try:
        path.write_text(f"[\n{entries}\n]\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def validate_rois(rois: Sequence[Roi], width: int, height: int) -> list[Roi]:
    """``rois`` cut off at the edges of a picture of ``width`` x ``height`` pixels.

    Raises InputError for no boxes at all, a box of which less than ``MIN_SIDE`` is inside, and a name given twice.
    """
    if not rois:
        raise InputError("no boxes to follow: give them with --roi x,y,width,height or --roi-file FILE")
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
    first: dict[str, int] = {}
    numbers = {str(number) for number in range(1, len(rois) + 1)}
    for number, roi in enumerate(rois, 1):
        if roi.name is not None and roi.name != str(number) and roi.name in numbers:
            raise InputError(f"{where}entry {number} is named {roi.name!r}, which is the number of another player")
        if roi.name is not None and roi.name[:1] in "=+-@":
            raise InputError(f"{where}entry {number}: a name starts with a letter, a spreadsheet runs {roi.name!r}")
        if roi.name is not None and first.setdefault(roi.name, number) != number:
            raise InputError(f"{where}entries {first[roi.name]} and {number} have the same name {roi.name!r}")


def _roi_of(entry: Any, where: str) -> Roi:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: expected an object like {_ENTRY}")
    fields = cast("dict[str, Any]", entry)
    unknown = sorted(set(fields) - set(_KEYS))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    box, name, frame, time = (fields.get(key) for key in _KEYS)
    numbers = cast("list[Any]", box) if isinstance(box, list) else []
    if not (len(numbers) == 4 and all(map(_is_number, numbers))):
        raise InputError(f'{where}: "box" must be four numbers [x, y, width, height]')
    if numbers[2] <= 0 or numbers[3] <= 0:
        raise InputError(f'{where}: "box" must have a positive width and height, not {numbers[2]:g} and {numbers[3]:g}')
    if name is not None and not (isinstance(name, str) and name.strip() and name.isprintable()):
        raise InputError(f'{where}: "name" must be a text of one line')
    if frame is not None and not (_is_number(frame) and int(frame) == frame and frame >= 0):
        raise InputError(f'{where}: "frame" must be a whole number from 0 up')
    if time is not None and not (_is_number(time) and time >= 0):
        raise InputError(f'{where}: "time" must be seconds from 0 up')
    if frame is not None and time is not None:
        raise InputError(f'{where}: give "frame" or "time", not both')
    x, y, w, h = (float(value) for value in numbers)
    return Roi((x, y, w, h), name, int(frame or 0), None if time is None else float(time))


def _is_number(value: Any) -> bool:
    """A finite JSON number; JSON's true and false are ints to Python, but not to whoever wrote the file."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**31


def _entry_of(roi: Roi) -> dict[str, Any]:
    entry: dict[str, Any] = {"box": list(roi.box)}
    if roi.name is not None:
        entry["name"] = roi.name
    if roi.time is not None:
        entry["time"] = roi.time
    elif roi.frame:
        entry["frame"] = roi.frame
    return entry
