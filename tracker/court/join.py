"""The court over a whole video: cameras of some frames, told for all between them by how the camera moved.

The camera of a shot stands where most of its frames say; it turns and zooms. Frames between two that are known are
reached from both, by the motion of the background, and lie between the two answers. A court that does not move as the
background does is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from tracker.boxes import Float64Array
from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS, Court
from tracker.court.fit import CameraFit, Maps, fit_camera, judged, refined, turned
from tracker.court.homography import all_from_points, moved
from tracker.court.known import KnownCourt
from tracker.types import CameraMotion, IntArray

AUTO = "auto"
"""Kind of a court that is to be told."""
_OVERLAP, _COST = 0.8, 0.012
"""A camera is believed that explains so much; higher, lower: fewer frames are known, and surer."""
_HEIGHT, _ROLL = 1.5, 0.15
"""Metres above the floor, and radians, beyond which a camera is believed not to be real."""
_MOST = 0.5
"""Share of the frames of a shot in which a camera is believed, for the shot to be: what is seen where no court is, or
one that nobody has learnt, agrees with a court now and then."""
_ASKED = 5
"""Frames that say which kind of court it is, and those of a shot that say where the camera stands."""
_DEARER = 1.2
"""Times the cost at which a frame is better seen from a place of its own: the camera has moved."""
_APART = 0.5
"""Metres between where the camera's motion and the areas put the floor, at most, half the time: on three broadcasts it
is 0.09 to 0.22, on two gymnasia whose lines are taken for others 0.7 and 1.4."""
_PLACES = np.array([[0.15, 0.5], [0.85, 0.5], [0.1, 0.9], [0.9, 0.9], [0.5, 0.7]])
"""Of the floor, in widths and heights of the picture."""
_REACH = 30
"""Frames from one that is known to which the camera's motion is trusted on one side alone."""


class KnownRows(NamedTuple):
    """Rows of frames in which the court is known."""

    row: IntArray
    """int32 (N,), ascending."""
    homography: Float64Array
    """(N, 3, 3), pixels to metres."""


def known_court(seen: Mapping[int, Maps], motion: Sequence[CameraMotion], kind: str = AUTO) -> KnownCourt:
    """The court, from the areas seen in some frames.

    seen: by row of the frames. motion: of all frames, how the camera moved before each. kind: of ``COURTS``; ``AUTO``:
    that which explains most. Frames of the result are rows, too.
    """
    first = next(iter(COURTS)) if kind == AUTO else kind
    shots: list[int] = np.cumsum([step.is_cut for step in motion]).tolist()
    found = _fits(seen, shots, COURTS[first])
    if not found:
        return KnownCourt()
    chosen = _kind(seen, found, first) if kind == AUTO else kind
    if chosen != first:
        found = {row: fit_camera(seen[row], COURTS[chosen], fit.camera) for row, fit in found.items()}
    cameras = _standing(seen, found, shots, COURTS[chosen])
    to_metres = {row: _to_metres(seen[row], camera) for row, camera in cameras.items()}
    any_maps = seen[next(iter(seen))]
    size = (any_maps.width, any_maps.height)
    path = _path(motion, size)
    agreeing = _moving_alike(to_metres, path, shots, size)
    return _as_known(chosen, _between(agreeing, path, shots, size, _REACH))


def carried_court(
    drawn: Mapping[int, Float64Array], motion: Sequence[CameraMotion], size: tuple[int, int], kind: str
) -> KnownCourt:
    """The court from homographies that a person told of some frames, carried as far as their shots go.

    drawn: by row, (3, 3), pixels to metres. size: width and height of the picture. kind: that it is.
    """
    shots: list[int] = np.cumsum([step.is_cut for step in motion]).tolist()
    return _as_known(kind, _between(drawn, _path(motion, size), shots, size, len(motion)))


def _as_known(kind: str, found: KnownRows) -> KnownCourt:
    return KnownCourt(kind, *found) if len(found.row) else KnownCourt()


def _is_real(fit: CameraFit) -> bool:
    camera = fit.camera
    is_there = camera.z >= _HEIGHT and abs(camera.roll) <= _ROLL
    return is_there and fit.overlap >= _OVERLAP and fit.cost <= _COST


def _fits(seen: Mapping[int, Maps], shots: Sequence[int], court: Court) -> dict[int, CameraFit]:
    """Cameras that are believed, of shots in which most are."""
    found: dict[int, CameraFit] = {}
    for _, rows in groupby(sorted(seen), lambda row: shots[row]):
        mine = list(rows)
        real = _fits_of_shot(mine, seen, court)
        if len(real) >= _MOST * len(mine):
            found |= real
    return found


def _fits_of_shot(rows: Sequence[int], seen: Mapping[int, Maps], court: Court) -> dict[int, CameraFit]:
    """Cameras that are believed, each looked for near the one before it first; no more where the most cannot be."""
    found: dict[int, CameraFit] = {}
    near: Camera | None = None
    for number, row in enumerate(rows):
        if number - len(found) > (1 - _MOST) * len(rows):
            return {}
        maps = seen[row]
        fit = fit_camera(maps, court, near)
        if near is not None and not _is_real(fit):
            fit = fit_camera(maps, court)
        if _is_real(fit):
            found[row], near = fit, fit.camera
    return found


def _kind(seen: Mapping[int, Maps], found: Mapping[int, CameraFit], first: str) -> str:
    """The kind of court that explains most of what is seen; first: that which ``found`` was fitted to."""
    asked = _spread(list(found))
    costs = {
        name: sum(
            (found[row] if name == first else fit_camera(seen[row], court, found[row].camera)).cost for row in asked
        )
        for name, court in COURTS.items()
    }
    return min(costs, key=lambda name: costs[name])


def _spread(rows: Sequence[int]) -> list[int]:
    """As many of ``rows`` as are asked, all over them."""
    return [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, _ASKED).round().astype(int)).tolist()]


def _standing(
    seen: Mapping[int, Maps], found: Mapping[int, CameraFit], shots: Sequence[int], court: Court
) -> dict[int, Camera]:
    """Cameras of each shot from one place, but for those that are seen better from their own."""
    cameras: dict[int, Camera] = {}
    for _, rows in groupby(sorted(found), lambda row: shots[row]):
        mine = {row: found[row].camera for row in rows}
        asked = [refined(seen[row], court, mine[row]).camera for row in _spread(list(mine))]
        x, y, z = np.median([camera.numbers()[:3] for camera in asked], axis=0).tolist()
        for row, camera in mine.items():
            maps = seen[row]
            there = turned(maps, court, replace(camera, x=x, y=y, z=z))
            is_there = _is_real(there) and there.cost < _DEARER * judged(maps, court, camera).cost
            cameras[row] = there.camera if is_there else refined(maps, court, camera).camera
    return cameras


def _to_metres(maps: Maps, camera: Camera) -> Float64Array:
    return np.asarray(np.linalg.inv(camera.homography(maps.width, maps.height)), np.float64)


def _path(motion: Sequence[CameraMotion], size: tuple[int, int]) -> Float64Array:
    """Of each frame, (F, 3, 3): where a pixel of the first one of its shot is in it."""
    path = [np.eye(3)]
    for step in motion[1:]:
        path.append(np.eye(3) if step.is_cut else _shown(step, size) @ path[-1])
    return np.stack(path)


def _moving_alike(
    known: Mapping[int, Float64Array], path: Float64Array, shots: Sequence[int], size: tuple[int, int]
) -> dict[int, Float64Array]:
    """Those of shots in which the court moves as the background does, from one known frame to the next.

    The areas of each frame are seen alone, so this is the word of another witness: what is taken for a court where none
    is goes its own way. A frame that is alone in its shot has no such witness, and is not believed.
    """
    pixels = _PLACES * size
    kept: dict[int, Float64Array] = {}
    for _, of_shot in groupby(sorted(known), lambda row: shots[row]):
        rows = list(of_shot)
        apart = [
            np.hypot(*(moved(known[a] @ path[a] @ np.linalg.inv(path[b]), pixels) - moved(known[b], pixels)).T)
            for a, b in pairwise(rows)
        ]
        if apart and np.median(np.nan_to_num(apart, nan=np.inf)) <= _APART:
            kept |= {row: known[row] for row in rows}
    return kept


def _between(
    known: Mapping[int, Float64Array],
    path: Float64Array,
    shots: Sequence[int],
    size: tuple[int, int],
    reach: int,
) -> KnownRows:
    """Homographies of all frames that are reached from known ones without a cut, within ``reach`` frames."""
    if not known:
        return KnownRows(np.empty(0, np.int32), np.empty((0, 3, 3)))
    rows, shot, row = np.array(sorted(known)), np.array(shots), np.arange(len(path))
    back, homography = np.linalg.inv(path), np.stack([known[i] for i in rows.tolist()])
    after = np.searchsorted(rows, row, side="right")
    before, after = np.maximum(after - 1, 0), np.minimum(after, len(rows) - 1)
    near = np.stack([before, after])
    away = np.where(
        (shot[rows[near]] == shot) & ([rows[before] <= row, rows[after] > row]), np.abs(rows[near] - row), np.inf
    )
    reached = homography[near] @ path[rows[near]] @ back
    best = away.argmin(axis=0)
    found = reached[best, row]
    two = np.flatnonzero(np.isfinite(away).all(axis=0) & (away[0] > 0))
    found[two] = _blended(reached[:, two], away[:, two], size)
    told = (away.min(axis=0) <= reach) & ~np.isnan(found).any(axis=(1, 2))
    return KnownRows(np.flatnonzero(told).astype(np.int32), found[told])


def _shown(step: CameraMotion, size: tuple[int, int]) -> Float64Array:
    """(3, 3): where a pixel of the frame before is in this one."""
    middle = np.array(size) / 2
    shift = middle * (1 - step.zoom) + np.array(step.shift)
    return np.array([[step.zoom, 0, shift[0]], [0, step.zoom, shift[1]], [0, 0, 1.0]])


def _blended(reached: Float64Array, away: Float64Array, size: tuple[int, int]) -> Float64Array:
    """One homography (N, 3, 3) of two (2, N, 3, 3), the nearer one counting more; NaN: the floor is not before the
    camera."""
    pixels = _PLACES * size
    share = (away[0] / away.sum(axis=0))[:, None, None]
    metres = (1 - share) * moved(reached[0], pixels) + share * moved(reached[1], pixels)
    blended = np.full((len(metres), 3, 3), np.nan)
    before_it = ~np.isnan(metres).any(axis=(1, 2))
    blended[before_it] = all_from_points(pixels, metres[before_it])
    return blended
