"""How right the court is against landmarks that a person found in some frames."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import numpy as np

from ground.disk.tables import Row, decimal, read_rows
from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.court.dimensions import COURTS
from tracker.court.known import KnownCourt

LANDMARKS = "landmarks.csv"
"""File of a folder of truth: frame (from 1), name, x and y (pixels) and, where it is no NBA court, x_m and y_m."""
_COLUMNS = ("frame", "name", "x", "y")


def landmark_errors(court: KnownCourt, path: Path, asked: Container[int] | None = None) -> Float64Array:
    """Metres by which each landmark of ``path`` is off, float64 (L,); NaN in frames in which the court is not known.

    Landmarks without metres of their own are those of an NBA court by ``Court.landmarks``; where a name does not say
    which end, it is the left one. asked: 0-based frames that count; None: all.

    Raises InputError for what is no such file.
    """
    off: list[float] = []
    for line, row in read_rows(path, _COLUMNS):
        try:
            frame, pixel = int(row["frame"]) - 1, np.array([[decimal(row["x"]), decimal(row["y"])]])
            metres = _metres(row)
        except (ValueError, KeyError) as error:
            raise InputError(f"{path}: line {line}: expected {','.join(_COLUMNS)} ({error!s:.80})") from error
        if asked is None or frame in asked:
            off.append(float(np.hypot(*(court.metres(np.array([frame]), pixel)[0] - metres))))
    return np.array(off)


def _metres(row: Row) -> tuple[float, float]:
    if row.get("x_m"):
        return decimal(row["x_m"]), decimal(row["y_m"])
    known, name = COURTS["nba"].landmarks(), row["name"]
    head, _, tail = name.rpartition("_")
    return known[name if name in known else f"{name}_left" if name == "three_top" else f"{head}_left_{tail}"]
