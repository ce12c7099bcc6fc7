"""The court from above: its lines, and who is where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ground.frames import Image
from pipeline.analysis.values import Analysis
from pipeline.outputs.draw import Color, color_of
from tracker.court.dimensions import COURTS
from tracker.court.known import UNKNOWN
from tracker.types import IntArray

Floats = npt.NDArray[np.float64]

_SHARE, _MARGIN = 0.28, 1.5
"""Of the picture's width; metres around the lines."""
_FLOOR, _LINES = (46, 52, 60), (225, 225, 225)
_DARK = 128
"""Who is darker has a light ring: the map is dark."""
_COVER = 0.8
"""How much of the picture below is hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class CourtMap:
    """Who is where on a court."""

    kind: str
    """Of the court, see ``KnownCourt``."""
    extent: tuple[float, float]
    """Length and width, metres."""
    frame_index: IntArray
    """int32 (N,), ascending."""
    track_id: IntArray
    metres: Floats
    """float64 (N, 2)"""


def court_map(analysis: Analysis) -> CourtMap | None:
    """Where the players of an analysis are; None where no court is known."""
    court, tracks = analysis.court, analysis.tracks
    if court.kind == UNKNOWN:
        return None
    metres = analysis.positions()
    known = np.isfinite(metres[:, 0])
    return CourtMap(court.kind, _extent(analysis), tracks.frame_index[known], tracks.track_id[known], metres[known])


def _extent(analysis: Analysis) -> tuple[float, float]:
    """Of a court of another kind: what a person told of it reaches to its lines, on one side of the centre at least."""
    lines = analysis.court.dimensions
    if lines is not None:
        return lines.length, lines.width
    told = np.array([point for marks in analysis.drawn.landmarks for point in marks.metres])
    length, width = 2 * np.abs(told).max(axis=0)
    return max(float(length), 1.0), max(float(width), 1.0)


def draw_map(image: Image, shown: CourtMap, frame_index: int, colors: Mapping[int, Color] | None = None) -> None:
    """Draw the map of a frame into the top right corner of ``image``, uint8 (H, W, 3) RGB, in place.

    colors: by track_id; who has none has ``color_of``.
    """
    scale = _SHARE * image.shape[1] / (shown.extent[0] + 2 * _MARGIN)
    plan = _plan(shown, scale)
    low, high = np.searchsorted(shown.frame_index, [frame_index, frame_index + 1])
    radius = max(2, round(0.55 * scale))
    for track_id, at in zip(shown.track_id[low:high].tolist(), shown.metres[low:high], strict=True):
        place = _pixel(at, shown.extent, scale)
        color = (colors or {}).get(track_id) or color_of(track_id)
        cv2.circle(plan, place, radius + 1, _LINES if max(color) < _DARK else (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(plan, place, radius, color, -1, cv2.LINE_AA)
    gap = round(0.01 * image.shape[1])
    corner = image[gap : gap + plan.shape[0], max(0, image.shape[1] - gap - plan.shape[1]) : image.shape[1] - gap]
    corner[:] = cv2.addWeighted(plan[: corner.shape[0], : corner.shape[1]], _COVER, corner, 1 - _COVER, 0)


def _plan(shown: CourtMap, scale: float) -> Image:
    """The empty court, uint8 (h, w, 3)."""
    size = [round(scale * (side + 2 * _MARGIN)) for side in shown.extent]
    plan = np.full((size[1], size[0], 3), _FLOOR, np.uint8)
    for line in lines_of(shown):
        points = np.array([_pixel(point, shown.extent, scale) for point in line], np.int32)
        cv2.polylines(plan, [points], False, _LINES, 1, cv2.LINE_AA)
    return plan


def lines_of(shown: CourtMap) -> list[Floats]:
    """The lines of a court, polylines (K, 2) in metres; its edge where only length and width are known."""
    if shown.kind in COURTS:
        return COURTS[shown.kind].lines()
    x, y = shown.extent[0] / 2, shown.extent[1] / 2
    return [np.array([[-x, -y], [x, -y], [x, y], [-x, y], [-x, -y]])]


def _pixel(at: Floats, extent: tuple[float, float], scale: float) -> tuple[int, int]:
    x, y = ((value + side / 2 + _MARGIN) * scale for value, side in zip(at.tolist(), extent, strict=True))
    return round(x), round(y)
