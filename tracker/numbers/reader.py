"""The number on a shirt, read in one view of a player.

A small network sees his trunk, brought to the size that he would have at ``_TALL`` pixels, and says of each of its
cells how likely a number is written around it, and which first and second digit it has. The cell that is surest of a
number speaks for the view. Who bends down is lower than he stands, and his number larger beside him: a second, smaller
copy of the trunk is looked at, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ground.compute.graph import load_weights, open_network
from ground.frames import Image
from tracker.boxes import Float64Array
from tracker.types import FloatArray

READING = 22
"""Numbers of a reading: how likely a number is legible, 0..1; of 11 first digits (none, 0 to 9) and 10 last ones each
how likely it is, each kind adding up to 1."""
WIDTH, HEIGHT = 112, 96
"""Pixels of a trunk as the network sees it."""
TEXTS = (*(str(number) for number in range(100)), "00")
"""All numbers that may be read."""
_TALL = 200.0
"""Pixels to which a player's height is brought: a number is 16 to 30 pixels high then."""
_TOP = 0.1
"""Share of a player's height above the trunk."""
_SMALLER = 0.7
"""Scale of the second copy."""
CELL = 4
"""Pixels of a cell's side."""
_OWN = 0.8
"""Share of a box's width in which a number is the player's own."""
_PLACES = 50.0
"""Places in a view, of which the surest speaks: that one of them is taken for a number by chance is so much likelier
than that a certain one is."""
_FIRST = np.array([0 if len(text) == 1 else 1 + int(text[0]) for text in TEXTS])
_LAST = np.array([int(text[-1]) for text in TEXTS])


def make_network() -> Any:
    """The untrained network, a ``torch.nn.Module``: float (N, 3, H, W) RGB, 0..1, to logits (N, 22, H / 4, W / 4)."""
    from torch import nn

    def block(inner: int, outer: int, stride: int) -> Any:
        convolution = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU())

    sizes = ((3, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 64, 1))
    return nn.Sequential(*(block(*size) for size in sizes), nn.Dropout(0.1), nn.Conv2d(64, READING, 1))


class NumberReader:
    """The trained network. Raises InputError for weights that are none of it."""

    def __init__(self, weights: Path) -> None:
        self._network = open_network(weights, load_number_network)

    def read(self, image: Image, xyxy: Float64Array) -> FloatArray:
        """Readings, float32 (K, 22), of the boxes ``xyxy`` (K, 4) in ``image`` (uint8, H, W, 3, RGB)."""
        return np.array([self._reading(cut_trunk(image, box), box) for box in xyxy], np.float32).reshape(-1, READING)

    def _reading(self, trunk: Image, box: Float64Array) -> FloatArray:
        width, height = round(_SMALLER * WIDTH), round(_SMALLER * HEIGHT)
        small = cv2.resize(trunk, (width, height), interpolation=cv2.INTER_AREA)
        margin = (WIDTH - width) // 2
        small = cv2.copyMakeBorder(small, 0, HEIGHT - height, margin, WIDTH - width - margin, cv2.BORDER_REPLICATE)
        both = np.stack([trunk, small]).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        cells = self._network(both)[..., _own_cells(box)].transpose(0, 2, 3, 1).reshape(-1, READING)
        return reading_of(cells[int(cells[:, 0].argmax())])


def cut_trunk(image: Image, box: Float64Array) -> Image:
    """A player's trunk, uint8 (HEIGHT, WIDTH, 3), of his ``box`` (4,) in ``image``; his middle is its middle.

    Beyond the picture's edges its last pixels go on.
    """
    x0, y0, x1, y1 = box.tolist()
    scale = _TALL / max(y1 - y0, 1.0)
    warp = np.array([
        [scale, 0, WIDTH / 2 - scale * (x0 + x1) / 2],
        [0, scale, -scale * (y0 + _TOP * (y1 - y0))],
    ])  # fmt: skip
    cut = cv2.warpAffine(image, warp, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def _own_cells(box: Float64Array) -> slice:
    """Columns of cells in which a number is his: beside them is a neighbour's."""
    half = _OWN * _TALL * (box[2] - box[0]) / (box[3] - box[1]) / 2
    reach = int(np.clip(half / CELL, 2, WIDTH / CELL / 2))
    middle = WIDTH // CELL // 2
    return slice(middle - reach, middle + reach)


def reading_of(logits: FloatArray) -> FloatArray:
    """What the surest cell's ``logits`` (22,) say, float32 (22,)."""
    legible = 1 / (1 + np.exp(np.clip(np.log(_PLACES) - logits[:1], -30, 30)))
    return np.concatenate([legible, _softmax(logits[1:12]), _softmax(logits[12:])]).astype(np.float32)


def likelihoods(readings: FloatArray) -> Float64Array:
    """Of each of TEXTS how likely it is what ``readings`` (N, 22) show, if they show one: (N, 101), adding up to 1."""
    given = readings.astype(np.float64)
    each = given[:, 1 + _FIRST] * given[:, 12 + _LAST]
    return each / np.maximum(each.sum(axis=1, keepdims=True), 1e-12)


def load_number_network(weights: Path) -> Any:
    """The trained network, a ``torch.nn.Module``. Raises InputError for weights that are none of it."""
    return load_weights(make_network(), weights, "that read numbers")


def _softmax(logits: FloatArray) -> FloatArray:
    raised = np.exp(logits - logits.max())
    return raised / raised.sum()
