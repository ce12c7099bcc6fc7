"""Where players stand on the court, and how far they go."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tracker.boxes import Float64Array
from tracker.court.known import KnownCourt
from tracker.types import FloatArray, Tracks

_EDGE = 1.5
"""Pixels from the lower edge of the picture at which feet are taken to be below it."""
_STEADY = 0.5
"""Seconds over which a path is averaged before it is measured. Lower: boxes that tremble go for a walk; higher: sharp
turns are cut short."""
_FARTHEST = 6.0
"""Metres beyond the lines of a court from where on no position is believed: towards the horizon a pixel is metres."""


def feet(xyxy: FloatArray, height: int) -> Float64Array:
    """Where boxes (N, 4) stand, (N, 2): the middle of their lower edges; NaN where that is not in the picture.

    height: of the picture, pixels.
    """
    boxes = xyxy.astype(np.float64)
    found = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)
    found[boxes[:, 3] >= height - _EDGE] = np.nan
    return found


def positions(tracks: Tracks, court: KnownCourt, height: int) -> Float64Array:
    """Metres on the court of each box, float64 (N, 2); NaN where they are not known. height: see ``feet``."""
    found = court.metres(tracks.frame_index, feet(tracks.xyxy, height))
    if court.dimensions is not None:
        found[~(court.dimensions.areas(found)[0] > -_FARTHEST)] = np.nan
    return found


def distances(
    tracks: Tracks, metres: Float64Array, index: npt.NDArray[np.integer], time: Float64Array
) -> dict[int, float]:
    """Metres that each player goes, by track_id, over frames that follow each other; who is never located is left out.

    metres: of each box, see ``positions``. index, time: (F,) of all frames of the video.
    """
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    window = max(1, round(_STEADY / step)) | 1
    rows = np.searchsorted(index, tracks.frame_index)
    gone: dict[int, float] = {}
    for track_id in tracks.ids.tolist():
        mine = np.flatnonzero((tracks.track_id == track_id) & np.isfinite(metres[:, 0]))
        ends = np.flatnonzero(np.diff(rows[mine], prepend=-9) != 1).tolist()
        pieces = [metres[mine[low:high]] for low, high in pairwise([*ends, len(mine)])]
        if pieces:
            gone[track_id] = float(sum(_length(piece, window) for piece in pieces))
    return gone


def _length(path: Float64Array, window: int) -> float:
    from scipy.ndimage import uniform_filter1d  # slow to load, which processes that only show need not do

    steps = np.diff(uniform_filter1d(path, min(window, len(path)), axis=0, mode="nearest"), axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())
