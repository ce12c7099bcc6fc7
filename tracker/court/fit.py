"""From the areas seen in a picture to the camera that sees them so.

Every cell of the maps is an observation: the camera says how many cells it lies inside or outside of each area, the
network how probable that is. The camera that explains most is found by least squares (Levenberg and Marquardt) from the
best of many that are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.optimize import least_squares

from tracker.boxes import Float64Array
from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS, Court
from tracker.court.network import cell_centres
from tracker.types import FloatArray

_USUAL = np.array([0, 25, 8, 0, 0.25, 0, 0])
_SPREAD = np.array([8, 12, 5, 1.0, 0.3, 0.03, 0.8])
"""Where cameras stand and look, and how far from that: counts like one cell that is wrong."""
_WEIGHT = np.array([1.0, 1.5, 1.0, 0.5])[:, None]
"""Of the areas: a logo is sometimes taken for the centre circle."""
_SOFT = 0.7
"""Cells over which the edge of an area is unsure."""
_COARSE = 2
"""Cells of the maps that are one at first."""
_TRIED = 5
"""Of the cameras that are tried, how many are followed up."""
_FAR = 8.0
"""Metres beyond which it does not matter how far a point is from a line."""


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

    def __init__(self, seen: FloatArray | Float64Array, centres: FloatArray, width: int, height: int) -> None:
        """seen: (4, h, w), see ``CourtSegmenter.areas``; centres (h, w, 2), width, height: pixels of the picture."""
        self.seen, self.centres, self.width, self.height = seen.astype(np.float64), centres, width, height
        self.shape = (seen.shape[1], seen.shape[2])
        self._rays = np.concatenate([centres.reshape(-1, 2), np.ones((seen[0].size, 1))], axis=1)

    @classmethod
    def of(cls, seen: FloatArray, width: int, height: int) -> Maps:
        """Of what ``CourtSegmenter.areas`` gives for a picture."""
        return cls(seen, cell_centres(width, height, (seen.shape[1], seen.shape[2])), width, height)

    def coarse(self) -> Maps:
        """The same in fewer cells."""
        h, w = self.shape[0] // _COARSE, self.shape[1] // _COARSE
        seen = self.seen[:, : h * _COARSE, : w * _COARSE].reshape(-1, h, _COARSE, w, _COARSE).mean(axis=(2, 4))
        centres = self.centres[: h * _COARSE, : w * _COARSE].reshape(h, _COARSE, w, _COARSE, 2).mean(axis=(1, 3))
        return Maps(seen, centres, self.width, self.height)

    def expected(self, camera: Camera, court: Court, soft: float) -> Float64Array:
        """What ``camera`` says of each cell, as ``seen``."""
        to_floor = np.linalg.inv(camera.homography(self.width, self.height))
        x = self._rays @ to_floor.T
        before = x[:, 2] > 1e-9
        floor = np.where(before[:, None], x[:, :2] / np.where(before, x[:, 2], 1.0)[:, None], 1e3)
        depth = court.areas(floor).clip(-_FAR, _FAR).reshape(-1, *self.shape)
        down, right = np.gradient(depth, axis=1), np.gradient(depth, axis=2)
        slope = np.hypot(down, right)
        return 1 / (1 + np.exp((-depth / np.maximum(slope, 1e-3) / soft).clip(-30, 30)))


def fit_camera(maps: Maps, court: Court, start: Camera | None = None) -> CameraFit:
    """The camera that sees ``maps``; ``start``: near which one it is looked for, None: anywhere."""
    coarse = maps.coarse()
    starts = _likely(coarse, court) if start is None else [start]
    found = [_refined(coarse, court, camera, 2 * _SOFT) for camera in starts]
    best = min(found, key=lambda camera: judged(coarse, court, camera).cost)
    return judged(maps, court, _refined(maps, court, best, _SOFT))


def judged(maps: Maps, court: Court, camera: Camera) -> CameraFit:
    """How well ``camera`` explains ``maps``."""
    expected = maps.expected(camera, court, _SOFT)
    cost = float((_WEIGHT * ((expected - maps.seen) ** 2).mean(axis=(1, 2))[:, None]).mean())
    inner = (expected[1:] > 0.5), (maps.seen[1:] > 0.5)
    both, either = (inner[0] & inner[1]).sum(), (inner[0] | inner[1]).sum()
    return CameraFit(camera, float(both / either) if either else 0.0, cost)


def _refined(maps: Maps, court: Court, start: Camera, soft: float, free: Sequence[int] = range(7)) -> Camera:
    """Levenberg-Marquardt from ``start``; free: which numbers of the camera are looked for."""
    rows, numbers = list(free), start.numbers()

    def differences(change: Float64Array) -> Float64Array:
        tried = numbers.copy()
        tried[rows] += change * _SPREAD[rows] / 10
        wrong = (maps.expected(Camera.of(tried), court, soft) - maps.seen).reshape(len(maps.seen), -1)
        return np.concatenate([(np.sqrt(_WEIGHT) * wrong).ravel(), (tried - _USUAL) / _SPREAD])

    found = least_squares(differences, np.zeros(len(rows)), method="lm", diff_step=1e-3, max_nfev=25 * (len(rows) + 1))
    numbers[rows] += found.x * _SPREAD[rows] / 10
    return Camera.of(numbers)


def turned(maps: Maps, court: Court, start: Camera) -> CameraFit:
    """The camera that sees ``maps`` from where ``start`` stands: it has turned and zoomed only."""
    return judged(maps, court, _refined(maps, court, start, _SOFT, range(3, 7)))


def _likely(maps: Maps, court: Court) -> list[Camera]:
    """The best of many cameras; no two of them look to nearly the same place."""
    cameras, expected = _tried(maps.width, maps.height, maps.shape, court)
    seen = (_WEIGHT * maps.seen.reshape(len(maps.seen), -1)).ravel()
    size = (_WEIGHT * maps.seen.reshape(len(maps.seen), -1) ** 2).sum()
    wrong = (
        size
        - 2 * expected @ seen
        + (expected.reshape(len(cameras), 4, -1) ** 2 @ np.ones(maps.seen[0].size)) @ _WEIGHT[:, 0]
    )
    chosen: list[Camera] = []
    for i in np.argsort(wrong, kind="stable").tolist():
        if all(np.abs((cameras[i].numbers() - other.numbers()) / _SPREAD).max() > 0.5 for other in chosen):
            chosen.append(cameras[i])
        if len(chosen) == _TRIED:
            break
    return chosen


@lru_cache(maxsize=len(COURTS))
def _tried(width: int, height: int, shape: tuple[int, int], court: Court) -> tuple[list[Camera], FloatArray]:
    """Cameras that stand and look in many ways, and what each expects, float32 (N, 4 h w)."""
    blank = Maps.of(np.zeros((4, shape[0] * _COARSE, shape[1] * _COARSE), np.float32), width, height).coarse()
    cameras = [_aimed(*choice) for choice in product(*_CHOICES)]
    expected = [blank.expected(camera, court, 2 * _SOFT).astype(np.float32).ravel() for camera in cameras]
    return cameras, np.stack(expected)


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
