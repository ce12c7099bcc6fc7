"""The colours of what players wear: one of the shirt and one of the shorts, from a view of each.

A part's colour is the one that most of its pixels are near to, so numbers, stripes, arms and a ball before it do not
count. Pixels in the colour of the floor beside the feet are left out: who bends down leaves floor where his shorts
were.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from ground.frames import Frame, Image
from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.looks.describers import crops
from tracker.looks.samples import hidden_share
from tracker.types import BoolArray, FloatArray

KIT = 8
"""Numbers of a kit: Lab (L 0..100) of the shirt and the share of its pixels that count, then those of the shorts."""
_WIDTH, _HEIGHT = 64, 96
"""Pixels to which a view is brought: the middle half of its width is the box, the rest what is beside it."""
_PARTS = (slice(17, 40), slice(44, 60))
"""Rows of shirt and shorts of somebody who stands."""
_MIDDLE = slice(25, 39)
"""Columns of the trunk: arms and background are beside it."""
_FEET, _BESIDE = slice(84, 96), 14
"""Rows at the feet, and columns on each side, that show the floor."""
_FLOOR = 12.0
"""Lab units from the floor's colour under which a pixel is floor. Higher: of a kit like the floor less is left."""
_NEAR = 20.0
"""Lab units around a part's colour within which pixels have it: folds and shadow, not the number."""
_AIR = 0.15
"""Share of a box's width on each side that hides nothing of who stands behind."""
_STEP, _HIDDEN = 0.5, 0.3
"""Seconds from one look to the next, and share of a box that others may cover, where boxes are there already."""


class KitViews(NamedTuple):
    """What people wore in the views that were looked at."""

    frame: Indices
    """(N,), 0-based in the video."""
    xyxy: Float64Array
    """(N, 4), pixels: the detection that was looked at."""
    kit: FloatArray
    """float32 (N, 8), see ``kits``."""
    clear: BoolArray
    """(N,): whether nobody hides much of him there."""

    def of(self, rows: BoolArray | slice) -> KitViews:
        """Those of some rows."""
        return KitViews(self.frame[rows], self.xyxy[rows], self.kit[rows], self.clear[rows])

    @staticmethod
    def empty() -> KitViews:
        """No views."""
        return KitViews(np.zeros(0, np.intp), np.zeros((0, 4)), np.zeros((0, KIT), np.float32), np.zeros(0, np.bool_))


class KitCollector:
    """Kits along boxes that are there already, read while the video passes."""

    def __init__(self) -> None:
        self._next = -math.inf
        self._seen: list[KitViews] = []

    def add(self, frame: Frame, xyxy: FloatArray) -> None:
        """The next frame and its boxes (K, 4); those that others cover are left out, and frames in between."""
        if frame.time < self._next or not len(xyxy):
            return
        self._next = frame.time + _STEP
        boxes = xyxy.astype(np.float64)
        clear = boxes[hidden_share(np.zeros(len(boxes), np.intp), boxes) <= _HIDDEN]
        index, sure = np.full(len(clear), frame.index, np.intp), np.ones(len(clear), np.bool_)
        self._seen.append(KitViews(index, clear, kits(frame.image, clear), sure))

    def finish(self) -> KitViews:
        """What was seen."""
        return KitViews(*map(np.concatenate, zip(KitViews.empty(), *self._seen, strict=True)))


def kits(image: Image, xyxy: Float64Array, beside: Float64Array | None = None) -> FloatArray:
    """Colours, float32 (K, 8), of shirts and shorts of the boxes ``xyxy`` (K, 4) in ``image`` (uint8, H, W, 3, RGB).

    Of each part Lab (L 0..100) and the share of its pixels, 0..1, that have about this colour. beside: (M, 4), all
    boxes of the picture; what those in front cover is not looked at.
    """
    half = 0.5 * (xyxy[:, 2] - xyxy[:, 0])
    wide = np.stack([xyxy[:, 0] - half, xyxy[:, 1], xyxy[:, 2] + half, xyxy[:, 3]], axis=1)
    everybody = np.empty((0, 4)) if beside is None else beside
    patches = zip(crops(image, wide, _WIDTH, _HEIGHT), wide, strict=True)
    return np.array([_kit(patch, _seen(box, everybody)) for patch, box in patches], np.float32).reshape(-1, KIT)


def _seen(box: Float64Array, everybody: Float64Array) -> BoolArray:
    """Pixels (_HEIGHT, _WIDTH) of a patch, ``box`` (4,) in the picture, that nobody in front covers.

    Who stands lower in the picture stands nearer. Of his box the sides are mostly air.
    """
    seen = np.ones((_HEIGHT, _WIDTH), np.bool_)
    scale = np.array([_WIDTH, _HEIGHT]) / (box[2:] - box[:2])
    for front in everybody[everybody[:, 3] > box[3]]:
        corners = front + _AIR * (front[2] - front[0]) * np.array([1, 0, -1, 0]) - np.tile(box[:2], 2)
        x0, y0, x1, y1 = np.round(corners * np.tile(scale, 2)).astype(int).clip(0).tolist()
        seen[y0:y1, x0:x1] = False
    return seen


def _kit(patch: Image, seen: BoolArray) -> FloatArray:
    lab = cv2.cvtColor(patch.astype(np.float32) / 255, cv2.COLOR_RGB2Lab).astype(np.float32)
    beside = np.concatenate([lab[_FEET, :_BESIDE], lab[_FEET, -_BESIDE:]]).reshape(-1, 3)
    floor = np.median(beside, axis=0).astype(np.float32)
    return np.concatenate([_part(lab[rows, _MIDDLE], seen[rows, _MIDDLE], floor) for rows in _PARTS])


def _part(lab: FloatArray, seen: BoolArray, floor: FloatArray) -> FloatArray:
    """Colour and share (4,) of a part (H, W, 3) of which some pixels (H, W) are ``seen``."""
    color = _color(lab[seen], floor)
    color[3] *= seen.mean()
    return color


def _color(pixels: FloatArray, floor: FloatArray) -> FloatArray:
    """The colour (3,) that most ``pixels`` (N, 3) are near to, floor aside, and the share of them."""
    own = pixels[_apart(pixels, floor) > _FLOOR]
    if not len(own):
        return np.append(floor, 0).astype(np.float32)
    color = np.median(own, axis=0)
    for _ in range(3):
        near = _apart(own, color) < _NEAR
        if near.any():
            color = own[near].mean(axis=0)
    return np.append(color, (_apart(own, color) < _NEAR).sum() / len(pixels)).astype(np.float32)


def _apart(pixels: FloatArray, color: FloatArray) -> FloatArray:
    return np.linalg.norm(pixels - color, axis=1)
