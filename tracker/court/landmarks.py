"""Points of the court that a person found in a picture, in pixels and in metres: for cameras and sports of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.by_hand.court_outline import CourtPolygon, outline_of
from tracker.by_hand.region_file import is_number, read_entries, read_fields, read_start
from tracker.court.dimensions import COURTS
from tracker.court.homography import from_points

_EXAMPLE = '{"points": [[100, 300, -14, -7.5], [1200, 300, 14, -7.5], [1270, 700, 14, 7.5], [20, 700, -14, 7.5]]}'
_KEYS = ("points", "landmarks", "frame", "time")


@dataclass(frozen=True, slots=True)
class CourtLandmarks:
    """Points of the court in one frame."""

    pixels: tuple[tuple[float, float], ...]
    """x, y in the source picture, four or more; they may lie outside it."""
    metres: tuple[tuple[float, float], ...]
    """The same points on the floor: origin at the court's centre, x along its length, y towards the camera."""
    frame: int = 0
    """The first frame at hand with at least this 0-based index is the one."""
    time: float | None = None
    """Seconds. Given instead of ``frame``: the first frame shown at this time or later."""

    def __post_init__(self) -> None:
        self.homography()

    def homography(self) -> Float64Array:
        """float64 (3, 3): pixels to metres. Raises InputError for points that do not tell it."""
        pixels, metres = (np.array(points, np.float64).reshape(-1, 2) for points in (self.pixels, self.metres))
        return from_points(pixels, metres)


def read_court(path: Path, kind: str) -> tuple[list[CourtPolygon], list[CourtLandmarks]]:
    """What a person says of the court in a JSON file: outlines (``polygon``), and points with their metres.

    An entry with points has ``points``, a list of [x, y, metres along, metres across], or ``landmarks``, the pixels
    [x, y] by the names of ``Court.landmarks``, or both; and ``frame`` or ``time``. kind: of ``COURTS``, for the names.
    Raises InputError that names the file and the entry.
    """
    entries = read_entries(path, "court", "corner [x, y]", _EXAMPLE)
    if all(isinstance(entry, list) for entry in entries):
        return [outline_of({"polygon": entries}, f"{path}")], []
    outlines, landmarks = list[CourtPolygon](), list[CourtLandmarks]()
    for number, entry in enumerate(entries, 1):
        where = f"{path}: entry {number}"
        if isinstance(entry, dict) and not {"points", "landmarks"}.isdisjoint(cast("dict[str, Any]", entry)):
            landmarks.append(_landmarks_of(entry, where, kind))
        else:
            outlines.append(outline_of(entry, where))
    return outlines, landmarks


def _landmarks_of(entry: Any, where: str, kind: str) -> CourtLandmarks:
    fields = read_fields(entry, where, _KEYS, _EXAMPLE)
    points = fields.get("points", [])
    if not isinstance(points, list):
        raise InputError(f"{where}: points must be a list, as in {_EXAMPLE}")
    rows = [_numbers(point, 4, f"{where}: point {n}") for n, point in enumerate(cast("list[Any]", points), 1)]
    rows += _named(fields.get("landmarks", {}), where, kind)
    try:
        return CourtLandmarks(
            tuple((x, y) for x, y, *_ in rows), tuple((u, v) for *_, u, v in rows), *read_start(fields, where)
        )
    except InputError as error:
        raise InputError(f"{where}: {error}", "court") from None


def _named(found: Any, where: str, kind: str) -> list[list[float]]:
    if not isinstance(found, dict):
        raise InputError(f'{where}: landmarks must be an object like {{"corner_left_far": [100, 300]}}')
    pixels = cast("Mapping[str, Any]", found)
    if pixels and kind not in COURTS:
        raise InputError(f"{where}: landmarks by name need to know which court it is", "court.type")
    known = COURTS[kind].landmarks() if pixels else {}
    if unknown := sorted(set(pixels) - set(known)):
        raise InputError(f"{where}: there is no landmark {unknown[0]!r:.40}; there is {', '.join(sorted(known))}")
    return [[*_numbers(at, 2, f"{where}: {name}"), *known[name]] for name, at in pixels.items()]


def _numbers(value: Any, count: int, where: str) -> list[float]:
    numbers = cast("list[Any]", value) if isinstance(value, list) else []
    if len(numbers) != count or not all(map(is_number, numbers)):
        raise InputError(f"{where} must be {count} numbers")
    return [float(number) for number in numbers]
