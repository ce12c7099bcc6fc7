"""From the areas seen in a picture to the camera that sees them so.

Every cell of the maps is an observation: the camera says how many cells it lies inside or outside of each area, the
network how probable that is. The camera that explains most is found by least squares (Levenberg and Marquardt) from the
best of many that are tried, on coarse maps first. Sums are NumPy's own and not BLAS's, which adds up in another order
with another number of cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from tracker.boxes import Float64Array
from tracker.court.camera import Camera, homographies
from tracker.court.dimensions import COURTS, Court
from tracker.court.segmenter import cell_centres
from tracker.types import FloatArray

_USUAL = np.array([0, 25, 8, 0, 0.25, 0, 0])
_SPREAD = np.array([8, 12, 5, 1.0, 0.3, 0.03, 0.8])
"""Where cameras stand and look, and how far from that: counts like one cell that is wrong."""
_WEIGHT = np.array([1.0, 1.5, 1.0, 0.5])[:, None]
"""Of the areas: a logo is sometimes taken for the centre circle."""
_SOFT = 0.7
"""Cells over which the edge of an area is unsure."""
_COARSE, _COARSEST = 2, 4
"""Cells of the maps, along each side, that are one at first, and where cameras are tried."""
_FOLLOWED = 5
"""Of the cameras that are tried, how many are followed up."""
_STEP = 0.001
"""Of a camera's numbers, for differences, in tenths of their spread. With ten times that, least squares stop early:
zoom and distance do nearly the same, and small errors of the slopes outweigh what tells them apart."""
_UNTIL: Mapping[str, Any] = {"ftol": 1e-4, "xtol": 1e-4, "maxfev": 20}
"""When least squares have converged: a thousandth of their sum is less than noise."""
_FAR, _BEYOND = 8.0, np.float32(1e3)
"""Metres beyond which it does not matter how far a point is from a line; where what is above the horizon is put."""
_AT_ONCE = 64
"""Cameras that are tried together."""


@dataclass(frozen=True, slots=True)
class CameraFit:
    """A camera, and how well it explains what is seen."""

    camera: Camera
    overlap: float
    """Intersection over union of what is seen and what is expected, 0..1: paint, three-point area, circle together."""
    cost: float
    """Mean squared difference of the maps, in the cells' probability."""


class Maps:
    """The areas seen in a picture, with the places of their cells."""

    def __init__(self, seen: FloatArray, centres: FloatArray, width: int, height: int) -> None:
        """seen: (4, h, w), see ``CourtSegmenter.areas``; centres (h, w, 2), width, height: pixels of the picture."""
        self.seen, self.centres, self.width, self.height = seen, centres, width, height
        self.shape = (seen.shape[1], seen.shape[2])

    @classmethod
    def of(cls, seen: FloatArray, width: int, height: int) -> Maps:
        """Of what ``CourtSegmenter.areas`` gives for a picture."""
        return cls(seen, cell_centres(width, height, (seen.shape[1], seen.shape[2])), width, height)

    def coarse(self, side: int = _COARSE) -> Maps:
        """The same in cells that are ``side`` times as wide and high."""
        h, w = self.shape[0] // side, self.shape[1] // side
        seen = self.seen[:, : h * side, : w * side].reshape(-1, h, side, w, side).mean(axis=(2, 4))
        centres = self.centres[: h * side, : w * side].reshape(h, side, w, side, 2).mean(axis=(1, 3))
        return Maps(seen, centres, self.width, self.height)

    def expected(self, cameras: Sequence[Camera], court: Court, soft: float) -> FloatArray:
        """What each of N cameras says of each cell, float32 (4, N, h, w), as ``seen``."""
        from scipy.special import expit  # slow to load, which processes that only show need not do

        to_floor = np.linalg.inv(homographies(cameras, self.width, self.height))
        a = to_floor.astype(np.float32).transpose(1, 2, 0)[:, :, :, None, None]
        x, y = self.centres[..., 0], self.centres[..., 1]
        across, along, depth = (row[0] * x + row[1] * y + row[2] for row in a)
        floor = np.stack([across, along]) / np.maximum(depth, 1e-9)
        floor[:, depth <= 1e-9] = _BEYOND
        inside = court.areas(np.moveaxis(floor, 0, -1)).clip(-_FAR, _FAR)
        slope = np.sqrt(_central(inside, -2) ** 2 + _central(inside, -1) ** 2)
        return expit(inside / (np.maximum(slope, 1e-3) * np.float32(soft)))


def _central(values: FloatArray, axis: int) -> FloatArray:
    """Differences per cell along an axis, between both neighbours; at the edges, with the one that there is."""
    values = values.swapaxes(axis, -1)
    change = np.empty_like(values)
    change[..., 1:-1] = (values[..., 2:] - values[..., :-2]) / 2
    change[..., 0], change[..., -1] = values[..., 1] - values[..., 0], values[..., -1] - values[..., -2]
    return change.swapaxes(axis, -1)


def fit_camera(maps: Maps, court: Court, start: Camera | None = None) -> CameraFit:
    """The camera that sees ``maps``; ``start``: near which one it is looked for, None: anywhere.

    On coarse maps, which is off by a quarter of a metre and a third of the work: ``refined`` and ``turned`` go on.
    """
    coarse = maps.coarse()
    if start is None:
        coarsest = maps.coarse(_COARSEST)
        found = [_refined(coarsest, court, camera, _SOFT) for camera in _likely(coarsest, court)]
        start = min(found, key=lambda camera: judged(coarse, court, camera).cost)
    return judged(coarse, court, _refined(coarse, court, start, _SOFT / _COARSE))


def judged(maps: Maps, court: Court, camera: Camera) -> CameraFit:
    """How well ``camera`` explains ``maps``."""
    expected = maps.expected([camera], court, _SOFT)[:, 0]
    cost = float((_WEIGHT[:, 0] * ((expected - maps.seen) ** 2).mean(axis=(1, 2), dtype=np.float64)).mean())
    inner = (expected[1:] > 0.5), (maps.seen[1:] > 0.5)
    both, either = (inner[0] & inner[1]).sum(), (inner[0] | inner[1]).sum()
    return CameraFit(camera, float(both / either) if either else 0.0, cost)


def refined(maps: Maps, court: Court, start: Camera) -> CameraFit:
    """The camera near ``start`` that sees ``maps``, on all their cells."""
    return judged(maps, court, _refined(maps, court, start, _SOFT))


def turned(maps: Maps, court: Court, start: Camera) -> CameraFit:
    """The camera that sees ``maps`` from where ``start`` stands: it has turned and zoomed only."""
    return judged(maps, court, _refined(maps, court, start, _SOFT, range(3, 7)))


def _refined(maps: Maps, court: Court, start: Camera, soft: float, free: Sequence[int] = range(7)) -> Camera:
    """Levenberg-Marquardt from ``start``; free: which numbers of the camera are looked for."""
    moves = np.eye(7)[list(free)] * _SPREAD / 10

    def differences(changes: Float64Array) -> Float64Array:
        """Of each of (N, K) changes, (N, M): cells, and what is unusual of the camera."""
        tried = start.numbers() + (changes[:, :, None] * moves).sum(axis=1)
        seen = maps.expected([Camera.of(numbers) for numbers in tried], court, soft) - maps.seen[:, None]
        cells = (np.sqrt(_WEIGHT)[:, :, None] * seen.reshape(len(seen), len(tried), -1)).transpose(1, 0, 2)
        return np.concatenate([cells.reshape(len(tried), -1), (tried - _USUAL) / _SPREAD], axis=1, dtype=np.float64)

    @_remembered
    def value(change: Float64Array) -> Float64Array:
        return differences(change[None])[0]

    @_remembered
    def slopes(change: Float64Array) -> Float64Array:
        return (differences(change + _STEP * np.eye(len(moves))) - value(change)) / _STEP

    from scipy.optimize import leastsq  # slow to load, as above

    options: Any = {"Dfun": slopes, "col_deriv": True, **_UNTIL}  # of which SciPy's stubs know only the names
    found: Any = leastsq(value, np.zeros(len(moves)), full_output=True, **options)
    return Camera.of(start.numbers() + (found[0][:, None] * moves).sum(axis=0))


def _remembered(function: Callable[[Float64Array], Float64Array]) -> Callable[[Float64Array], Float64Array]:
    """``function``, which is not called again for what it was last called for.

    MINPACK wants the slopes where it has just had the value, and both twice at the start.
    """

    @lru_cache(maxsize=1)
    def found(change: bytes) -> Float64Array:
        return function(np.frombuffer(change))

    return lambda change: found(change.tobytes())


def _likely(maps: Maps, court: Court) -> list[Camera]:
    """The best of many cameras; no two of them look to nearly the same place."""
    cameras, expected = _tried(maps.width, maps.height, maps.shape, court)
    wrong = np.einsum("ai,ani->n", _WEIGHT, (expected - maps.seen.reshape(len(maps.seen), 1, -1)) ** 2)
    chosen: list[Camera] = []
    for i in np.argsort(wrong, kind="stable").tolist():
        if all(np.abs((cameras[i].numbers() - other.numbers()) / _SPREAD).max() > 0.5 for other in chosen):
            chosen.append(cameras[i])
        if len(chosen) == _FOLLOWED:
            break
    return chosen


@lru_cache(maxsize=len(COURTS))
def _tried(width: int, height: int, shape: tuple[int, int], court: Court) -> tuple[list[Camera], FloatArray]:
    """Cameras that stand and look in many ways, and what each expects of maps of ``shape``, float32 (4, N, h w)."""
    cells = np.zeros((4, *(_COARSEST * side for side in shape)), np.float32)
    blank = Maps.of(cells, width, height).coarse(_COARSEST)
    cameras = [_aimed(*choice) for choice in product(*_CHOICES)]
    some = (cameras[i : i + _AT_ONCE] for i in range(0, len(cameras), _AT_ONCE))
    expected = [blank.expected(chosen, court, 2 * _SOFT) for chosen in some]
    return cameras, np.concatenate(expected, axis=1).reshape(4, len(cameras), -1)


_CHOICES = (
    (-8.0, 0.0, 8.0),  # x of the camera
    (13.0, 20.0, 32.0),  # y
    (3.0, 6.0, 12.0),  # z
    tuple(float(x) for x in range(-12, 13, 3)),  # x and
    (-5.0, 0.0),  # y where it looks to
    (12.0, 17.0, 25.0),  # metres of court across the picture there
)


def _aimed(x: float, y: float, z: float, to_x: float, to_y: float, across: float) -> Camera:
    distance = float(np.hypot(to_x - x, to_y - y))
    far = float(np.hypot(distance, z))
    pan, tilt = np.arctan2(to_x - x, y - to_y), np.arctan2(z, distance)
    return Camera(x, y, z, float(pan), float(tilt), 0.0, float(np.log(far / across)))
