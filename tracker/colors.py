"""What a player looks like: the part of the picture around a box, and the colours that are his and not the court's."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ground.frames import Image
from tracker.types import BoolArray

Vector = npt.NDArray[np.float64]

_PATCH = (32, 64)
"""Width, height to which a box is shrunk before its colours are counted."""
_BINS = (6, 10, 10)
_CHROMA_STEP = 8
"""Lab units per bin of a and b, around grey."""
_RING = 2.0
"""Size of the surroundings that a box is compared with, in sizes of the box."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The colours of a box as it was drawn, and which of them are the player's own."""

    colors: Vector
    """float64 (600,): shares of the colours in the box."""
    own: BoolArray
    """bool (600,): colours that are commoner in the box than around it. The floor between his legs is not he."""

    @staticmethod
    def of(image: Image, xyxy: Vector) -> Look:
        """The look of the box ``xyxy`` (4,), in pixels, in ``image`` (uint8, H, W, 3, RGB)."""
        colors = color_histogram(_patch(image, xyxy, 1.0), _middle())
        around = color_histogram(_patch(image, xyxy, _RING), _ring())
        own = colors > around
        return Look(colors, own if own.any() else colors > 0)

    def likeness(self, image: Image, xyxy: Vector) -> float:
        """How much of the player's own colours is in another box: 0 (nothing) to 1 (all of it).

        The Bhattacharyya coefficient, summed over his own colours only and relative to the box that was drawn.
        """
        colors = color_histogram(_patch(image, xyxy, 1.0), _middle())
        shared = np.sqrt(self.colors * colors)[self.own].sum() / self.colors[self.own].sum()
        return float(min(shared, 1.0))


def color_histogram(patch: Image, weight: Vector) -> Vector:
    """Shares of colours in ``patch`` (uint8, H, W, 3, RGB), pixels counted by ``weight`` (H, W); they sum to 1.

    Returns float64 (600,): 6 bins of lightness x 10 x 10 of Lab's a and b.
    """
    lab = cv2.cvtColor(patch, cv2.COLOR_RGB2Lab).astype(np.int64)
    bins_l, bins_a, bins_b = _BINS
    light = lab[..., 0] * bins_l // 256
    a, b = (np.clip((lab[..., c] - 128) // _CHROMA_STEP + n // 2, 0, n - 1) for c, n in ((1, bins_a), (2, bins_b)))
    index = (light * bins_a + a) * bins_b + b
    counts = np.bincount(index.ravel(), weight.ravel(), minlength=bins_l * bins_a * bins_b)
    return counts / counts.sum()


def crop(image: Image, x0: int, y0: int, x1: int, y1: int) -> Image:
    """The part of ``image`` (H, W, 3) from x0, y0 to x1, y1 (exclusive), as a view where it lies inside.

    It may reach over its edges, which are repeated outwards, or lie beyond them.
    """
    height, width = image.shape[:2]
    if 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height:
        return image[y0:y1, x0:x1]
    columns, rows = np.clip(np.arange(x0, x1), 0, width - 1), np.clip(np.arange(y0, y1), 0, height - 1)
    return image[rows[:, None], columns]


def _patch(image: Image, xyxy: Vector, stretch: float) -> Image:
    center, half = (xyxy[:2] + xyxy[2:]) / 2, (xyxy[2:] - xyxy[:2]) / 2 * stretch
    x0, y0, x1, y1 = (round(float(v)) for v in (*(center - half), *(center + half)))
    part = crop(image, x0, y0, max(x1, x0 + 2), max(y1, y0 + 2))
    return cv2.resize(part, _PATCH, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _grid() -> tuple[Vector, Vector]:
    """Distance of a patch's pixels from its middle, -1..1: x (1, W) and y (H, 1)."""
    width, height = _PATCH
    return np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]


def _middle() -> Vector:
    """Weights (H, W): the middle counts more than the corners, where the background is."""
    x, y = _grid()
    return np.clip(1 - x**2 - y**2, 0, None)


def _ring() -> Vector:
    """Weights (H, W): 1 around the box in a patch of ``_RING`` times its size, 0 inside."""
    x, y = _grid()
    return (np.maximum(np.abs(x), np.abs(y)) > 1.1 / _RING).astype(np.float64)
