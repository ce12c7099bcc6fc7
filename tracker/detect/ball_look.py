"""A second look at what may be the ball: a small network sees each spot closer than the detector does.

The detector looks at whole pictures, in which a ball is a dozen pixels wide; heads, shoes and lamps get scores like a
ball in hands. Cut out and enlarged, they are told apart far better.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ground.compute.graph import load_weights, open_network
from ground.frames import Image
from tracker.types import Detections, FloatArray

SIDE = 40
"""Pixels of a patch that is cut out; training looks at the middle ``SEEN`` of it, moved about."""
SEEN = 32
AROUND = 3.2
"""Sides of a spot's box that a patch shows."""
_SMALLEST = 16
"""Pixels of the picture that a patch shows at least."""
_PRIOR = 1.0
"""Weight of the logarithm of the detector's score beside the network's logit."""


def cut_patch(image: Image, center: FloatArray, side: float) -> Image:
    """What is around ``center`` (2,), pixels, in ``image`` (H, W, 3) RGB -> uint8 (SIDE, SIDE, 3).

    side: of a box around it, pixels. Beyond the picture's edges its last pixels go on.
    """
    span = max(side * AROUND, _SMALLEST)
    scale = SIDE / span
    shift = [SIDE / 2 - float(x) * scale for x in center]
    warp = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    how = cv2.INTER_AREA if span > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(image, warp, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def make_network() -> Any:
    """The untrained network, a ``torch.nn.Module``: float (N, 3, SEEN, SEEN) RGB, 0..1, to logits (N, 1)."""
    from torch import nn

    def block(inner: int, outer: int, stride: int) -> Any:
        convolution = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU())

    sizes = ((3, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 96, 2))
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 1))
    return nn.Sequential(*(block(*size) for size in sizes), *head)


class BallLook:
    """The trained network. Raises InputError for weights that are none of it."""

    def __init__(self, weights: Path, side_by_side: int = 1) -> None:
        """side_by_side: pictures that are looked at at once, for as many threads."""
        self._network = open_network(weights, load_ball_network, side_by_side)

    def judged(self, image: Image, spots: Detections) -> Detections:
        """``spots`` with how sure it is that each is the ball, by the detector's score and the look of it."""
        if not len(spots):
            return spots
        center = (spots.xyxy[:, :2] + spots.xyxy[:, 2:]) / 2
        side = np.sqrt(np.prod(spots.xyxy[:, 2:] - spots.xyxy[:, :2], axis=1))
        patches = np.stack([cut_patch(image, at, float(s)) for at, s in zip(center, side, strict=True)])
        logit = self.logits(patches) + _PRIOR * np.log(spots.confidence)
        sure = (1 / (1 + np.exp(-np.clip(logit, -15, 15)))).astype(np.float32)
        return Detections(spots.xyxy, sure, spots.class_id)

    def logits(self, patches: npt.NDArray[np.uint8]) -> FloatArray:
        """float32 (N,): of ``patches`` (N, SIDE, SIDE, 3) RGB, the mean of each and of its mirror image."""
        seen = _middle(patches.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))
        both = self._network(np.concatenate([seen, seen[..., ::-1]]))[:, 0]
        return np.asarray((both[: len(patches)] + both[len(patches) :]) / 2, np.float32)


def load_ball_network(weights: Path) -> Any:
    """The trained network, a ``torch.nn.Module``. Raises InputError for weights that are none of it."""
    return load_weights(make_network(), weights, "of a second look at the ball")


def _middle(patches: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    margin = (SIDE - SEEN) // 2
    return patches[:, :, margin:-margin, margin:-margin]
