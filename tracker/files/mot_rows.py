"""Rows of MOTChallenge text files, as the tools of this field and spreadsheets write them, checked.

``frame,id,left,top,width,height,confidence`` and, in some, a class. Between numbers stand commas, spaces or tabs, or
semicolons where commas are decimal; a line of names may come first.
"""

from __future__ import annotations

import logging
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ground.disk.files import read_text
from ground.errors import InputError
from tracker.boxes import Float64Array, xywh_to_xyxy

FRAME, ID, BOX, CONFIDENCE, CLASS = 0, 1, slice(2, 6), 6, 7
"""Columns of ``Rows.values``."""
LAST_FRAME = 2**31 - 2
FARTHEST = 1e6
"""Pixels. Beyond it float32 has no hundredths left, and no picture is that large."""
_MOST_CLASSES = 10_000
_EXPECTED = "expected frame,id,left,top,width,height,confidence"
_HEADER = re.compile(r"\s*\"?(frame|sep=)", re.IGNORECASE)

_log = logging.getLogger("courtscribe")


class Rows(NamedTuple):
    """The rows of one file."""

    path: Path
    values: Float64Array
    """(N, 8): frame from 1, identity, left, top, width, height, confidence, class; -1: no class."""
    lines: list[int]
    """(N,), line of each, from 1."""

    def check(self, good: npt.NDArray[np.bool_], fault: str) -> None:
        """Raise an InputError that names the first line of which ``good`` (N,) or (N, K) is not all True."""
        if not good.all():
            raise InputError(f"{self.path}, line {self.lines[int(np.nonzero(~good)[0][0])]}: {fault}")


def read_rows(path: Path) -> Rows:
    """Rows in the order of the file. Raises InputError, with the line, for what is no box in a frame."""
    text = _plain(read_text(path)).split("\n")
    lines = [number for number, line in enumerate(text, 1) if line.strip()]
    if lines and _HEADER.match(text[lines[0] - 1]):
        del lines[0]
    if not lines:
        _log.warning("%s: holds no boxes", path)
        return Rows(path, np.empty((0, 8)), lines)
    rows = Rows(path, _parse(path, text, lines), lines)
    _check(rows)
    if not _has_classes(rows.values[:, CLASS]):
        rows.values[:, CLASS] = -1
    return rows


def _plain(text: str) -> str:
    """``text`` with commas between numbers and points in them."""
    head = next((line for line in text.split("\n") if line.strip() and not _HEADER.match(line)), "")
    mark = next((mark for mark in (";", "\t") if mark in head), "")
    if mark:
        return text.replace(",", ".").replace(mark, ",")
    if head.strip() and "," not in head and len(head.split()) >= 6:
        return "\n".join(",".join(line.split()) for line in text.split("\n"))
    return text


def _parse(path: Path, text: list[str], lines: list[int]) -> Float64Array:
    width = 8 if text[lines[0] - 1].count(",") >= 8 else 7
    try:
        with warnings.catch_warnings(action="error"):
            rows = np.loadtxt([text[n - 1] for n in lines], delimiter=",", usecols=range(width), ndmin=2, comments=None)
    except ValueError:
        return np.array([_parse_line(path, n, text[n - 1]) for n in lines])
    return rows if width == 8 else np.column_stack([rows, np.full(len(rows), -1.0)])


def _parse_line(path: Path, number: int, line: str) -> list[float]:
    """The slow way, which knows what is wrong, and takes rows that end at the box."""
    fields = line.split(",")
    try:
        row = [float(field) for field in fields[:7]]
    except ValueError:
        row = []
    if len(row) < 6:
        raise InputError(f"{path}, line {number}: {_EXPECTED}, not {line.strip()[:60]!r}")
    row = row if len(row) == 7 else [*row, 1.0]
    try:
        return [*row, float(fields[7]) if len(fields) >= 9 else -1.0]
    except ValueError:
        return [*row, -1.0]


def _check(rows: Rows) -> None:
    frames, box = rows.values[:, FRAME], rows.values[:, BOX]
    rows.check(np.isfinite(rows.values[:, :CLASS]), "holds a number that is not finite")
    whole = (frames >= 1) & (frames <= LAST_FRAME) & (frames == np.round(frames))
    rows.check(whole, "does not begin with a frame number, 1 or more")
    rows.check(box[:, 2:] > 0, "holds a box of zero or negative size")
    xyxy = xywh_to_xyxy(box)
    rows.check(np.abs(xyxy) <= FARTHEST, "holds a box a million pixels away")
    stored = xyxy.astype(np.float32)
    rows.check(stored[:, 2:] > stored[:, :2], "holds a box too small to be one")
    rows.check(np.abs(rows.values[:, CONFIDENCE]) <= FARTHEST, "holds a confidence that is none")


def _has_classes(column: Float64Array) -> bool:
    """Whether the eighth column tells classes; in other files it is a place in the world, or nothing."""
    with np.errstate(invalid="ignore"):
        return bool(((column >= 0) & (column < _MOST_CLASSES) & (column == np.round(column))).all())
