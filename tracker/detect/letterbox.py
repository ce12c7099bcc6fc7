"""What goes into a YOLO network and what comes out, as arrays: the same numbers as ultralytics', without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ground.frames import Image
from tracker.types import FloatArray

_GREY = 114
"""Around the picture: the value that ultralytics trains with."""
_WEAK_OVERLAP = 0.45
_MOST_CANDIDATES, _MOST_BOXES = 30_000, 300
"""Boxes before and after the choice among overlapping ones; more are the surest."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture scaled into a network's input, its shape kept, grey around it. Sizes are (height, width), pixels."""

    picture: tuple[int, int]
    scaled: tuple[int, int]
    before: tuple[int, int]
    """Grey rows above, columns left."""
    after: tuple[int, int]
    """Grey rows below, columns right."""

    @classmethod
    def of(cls, picture: tuple[int, int], most: tuple[int, int], stride: int = 0) -> Letterbox:
        """The largest that ``most`` holds. stride: each side is the next multiple of it; 0: all of ``most``."""
        scale = min(most[0] / picture[0], most[1] / picture[1])
        scaled = max(round(picture[0] * scale), 1), max(round(picture[1] * scale), 1)
        grey = tuple((m - s) % stride if stride else m - s for m, s in zip(most, scaled, strict=True))
        before, after = (tuple(round(g / 2 + shift) for g in grey) for shift in (-0.1, 0.1))
        return cls(picture, scaled, before, after)  # type: ignore[arg-type]

    def fill(self, image: Image) -> FloatArray:
        """uint8 (H, W, 3) RGB -> float32 (1, 3, h, w) RGB 0..1."""
        is_so = self.scaled == self.picture
        scaled = image if is_so else cv2.resize(image, self.scaled[::-1], interpolation=cv2.INTER_LINEAR)
        (top, left), (bottom, right) = self.before, self.after
        boxed = cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(_GREY,) * 3)
        filled = np.empty((1, 3, *boxed.shape[:2]), np.float32)
        for channel, values in zip(filled[0], cv2.split(boxed), strict=True):
            np.divide(values, np.float32(255), out=channel)
        return filled

    def in_picture(self, xyxy: FloatArray) -> FloatArray:
        """Boxes (N, 4) of the network's input as boxes of the picture, cut off at its edges."""
        (height, width), (top, left) = self.picture, self.before
        gain = np.array([self.scaled[1] / width, self.scaled[0] / height] * 2, np.float32)
        moved = (xyxy - np.array([left, top] * 2, np.float32)) / gain
        return moved.clip(0, np.array([width, height] * 2, np.float32))


class Found(NamedTuple):
    """Boxes in a network's input, the surest first; some may be empty."""

    xyxy: FloatArray
    """float32 (N, 4): left, top, right, bottom, pixels."""
    confidence: FloatArray
    """float32 (N,)."""
    class_id: npt.NDArray[np.int64]
    """int64 (N,)."""
    weak: Found | None = None
    """Boxes of some classes down to a low confidence; None: nobody asked, or the network cannot tell."""


class Weak(NamedTuple):
    """Of which classes boxes are told down to a low confidence, as ``tracker.detect.yolo.keep_weak`` does."""

    classes: tuple[int, ...]
    confidence: float
    at_most: int
    """Boxes a picture, the surest first."""


def read_output(output: FloatArray, confidence: float, most_overlap: float) -> Found:
    """What a network says of one picture: boxes above ``confidence`` of which none covers a surer one by more.

    output: (4 + classes, N): centre x and y, width, height, and how sure of each class.
    """
    best = output[4:].max(0)
    chosen = np.flatnonzero(best > np.float32(confidence))
    chosen = chosen[np.argsort(-best[chosen], kind="stable")][:_MOST_CANDIDATES]
    corners = _corners(output[:, chosen])
    kept = suppress(corners, most_overlap)
    return Found(corners[kept], best[chosen][kept], output[4:, chosen[kept]].argmax(0))


def read_weak(output: FloatArray, weak: Weak) -> Found:
    """Boxes of some classes, each by its own score; of two of a class that overlap by 0.45 the surer one."""
    found = [_of_class(output, one, weak) for one in weak.classes]
    xyxy, confidence, class_id = (np.concatenate(column) for column in zip(*found, strict=True))
    first = np.argsort(-confidence, kind="stable")[: weak.at_most]
    return Found(xyxy[first], confidence[first], class_id[first])


def _of_class(output: FloatArray, class_id: int, weak: Weak) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    score = output[4 + class_id]
    chosen = np.flatnonzero(score > np.float32(weak.confidence))
    chosen = chosen[np.argsort(-score[chosen], kind="stable")][:_MOST_CANDIDATES]
    corners = _corners(output[:, chosen])
    kept = suppress(corners, _WEAK_OVERLAP)
    return corners[kept], score[chosen[kept]], np.full(len(kept), class_id, np.int64)


def _corners(output: FloatArray) -> FloatArray:
    """Boxes (N, 4) of columns that begin with centre, width and height."""
    centre, half = output[:2].T, output[2:4].T / np.float32(2)
    return np.concatenate([centre - half, centre + half], 1, dtype=np.float32)


def read_chosen(output: FloatArray, confidence: float, _: float) -> Found:
    """As ``read_output``, of a network that has chosen among overlapping boxes itself.

    output: (N, 6): left, top, right, bottom, how sure, class.
    """
    rows = output[output[:, 4] > np.float32(confidence)][:_MOST_BOXES]
    return Found(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64))


def suppress(xyxy: FloatArray, most_overlap: float) -> npt.NDArray[np.intp]:
    """Rows of boxes (N, 4), the surest first, that no kept one before overlaps by more; at most 300.

    Whatever their class: one person is a player or a referee, not both. Overlap is intersection over union, in float32.
    """
    area = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    left, kept = np.arange(len(xyxy)), list[int]()
    while len(left) and len(kept) < _MOST_BOXES:
        first, left = left[0], left[1:]
        kept.append(int(first))
        size = np.minimum(xyxy[first, 2:], xyxy[left, 2:]) - np.maximum(xyxy[first, :2], xyxy[left, :2])
        common = np.maximum(size[:, 0], 0) * np.maximum(size[:, 1], 0)
        with np.errstate(invalid="ignore"):  # two empty boxes in one place
            left = left[~(common / (area[first] + area[left] - common) > np.float32(most_overlap))]
    return np.array(kept, np.intp)
