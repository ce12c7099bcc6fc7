"""What large networks see in pictures of single players, for a small network to learn from: joints, and the ball.

Both are slow and made for more than this; ``classify.train.distillation`` teaches what they say to a network that
labels clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ground.errors import InputError
from tracker.detect.yolo import UNREADABLE, first_line, open_checkpoint, open_yolo
from tracker.types import FloatArray

Pictures = npt.NDArray[np.uint8]
"""uint8 (N, H, W, 3) RGB, a player in the middle of each; sides are multiples of 32 when doubled."""
Advance = Callable[[int], object]
"""Called with the number of pictures done since the last call."""

NUM_JOINTS = 17
"""COCO's keypoints, in its order."""
_CANVAS, _HEIGHT = 640, 448
"""Sides of the square that the pose network looks at, and the height of the player's picture on it, pixels: people
who fill the whole square are found less often."""
_GREY = 114
"""What ultralytics puts beside pictures."""
_CONFIDENCE = 0.25
"""Of a person; with less, the joints are not believed."""
_OFF_CENTRE = 0.3
"""Part of the picture's sides by which somebody in it is off the middle who is 1/e as likely to be the one meant."""
_BALL = "ball"
_CELL = 8
"""Side of a cell of the ball's map, pixels."""
_BATCH = 8


def see_joints(weights: Path, pictures: Pictures, device: str = "cpu", advance: Advance | None = None) -> FloatArray:
    """Joints of the person in the middle of each picture, float32 (N, 17, 3).

    weights: an ultralytics pose model (.pt or exported). x and y are in parts of the picture's width and height; the
    third is how sure the network is, 0 where there is nobody.
    Raises InputError for weights that are not a pose model's.
    """
    model = open_yolo(weights, "pose", device)
    joints = np.zeros((len(pictures), NUM_JOINTS, 3), np.float32)
    for i, picture in enumerate(pictures):
        canvas, scale, left, top = _on_canvas(picture)
        try:
            (found,) = model.predict(canvas, imgsz=_CANVAS, conf=_CONFIDENCE, device=device, verbose=False)
        except UNREADABLE as error:
            raise InputError(f"{weights}: not a pose model that ultralytics can run ({first_line(error)})") from error
        if found.keypoints is None:
            raise InputError(f"{weights}: finds boxes and no joints; it must be a pose model")
        if len(found.boxes):
            seen = found.cpu().numpy()
            size = np.array([picture.shape[1], picture.shape[0]]) * scale
            place = (seen.keypoints.data[_middle(seen.boxes, size)][:, :2] - (left, top)) / size
            joints[i] = np.column_stack([place, seen.keypoints.data[_middle(seen.boxes, size)][:, 2]])
        if advance is not None:
            advance(1)
    return joints


def see_ball(weights: Path, pictures: Pictures, device: str = "cpu", advance: Advance | None = None) -> FloatArray:
    """Probability that the ball is in each cell of 8x8 pixels, float32 (N, H / 8, W / 8).

    weights: an ultralytics detector (.pt) with a class "ball". It looks at twice the size, where a cell is two of its
    finest cells; what it says of each is taken as it is, without the choice of boxes that would drop weak balls.
    Raises InputError for weights that know no ball.
    """
    model = open_checkpoint(weights)
    names: dict[int, str] = dict(model.names)
    ball = next((i for i, name in names.items() if name == _BALL), None)
    if ball is None:
        raise InputError(f"{weights}: must detect a ball, not {', '.join(names.values())[:80]}")
    network: Any = model.model.float().eval().to(device)
    height, width = pictures.shape[1:3]
    rows, columns = 2 * height // _CELL, 2 * width // _CELL
    maps: list[torch.Tensor] = []
    for batch in _batches(pictures):
        with torch.inference_mode():
            x = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).float() / 255
            x = functional.interpolate(x, (2 * height, 2 * width), mode="bilinear")
            # (N, 4 + classes, cells), the finest scale first, row by row.
            scores = network(x)[0][:, 4 + ball, : rows * columns].reshape(-1, 1, rows, columns)
            maps.append(functional.max_pool2d(scores, 2)[:, 0].cpu())
        if advance is not None:
            advance(len(batch))
    return torch.cat(maps).numpy()


def _on_canvas(picture: Pictures) -> tuple[Pictures, float, int, int]:
    """BGR (640, 640, 3) with the picture in its middle, the picture's scale there, its left and its top."""
    scale = _HEIGHT / picture.shape[0]
    width = round(picture.shape[1] * scale)
    left, top = (_CANVAS - width) // 2, (_CANVAS - _HEIGHT) // 2
    canvas = np.full((_CANVAS, _CANVAS, 3), _GREY, np.uint8)
    canvas[top : top + _HEIGHT, left : left + width] = cv2.resize(picture, (width, _HEIGHT))[..., ::-1]
    return canvas, scale, left, top


def _middle(boxes: Any, size: npt.NDArray[np.float64]) -> int:
    """Which of the people is meant: large, surely there, in the middle."""
    off = np.abs(boxes.xywh[:, :2] - _CANVAS / 2) / size / _OFF_CENTRE
    tall = np.minimum(boxes.xywh[:, 3] / _HEIGHT, 1)
    return int((boxes.conf * tall * np.exp(-(off**2).sum(1))).argmax())


def _batches(pictures: Pictures) -> Iterator[Pictures]:
    for i in range(0, len(pictures), _BATCH):
        yield np.ascontiguousarray(pictures[i : i + _BATCH])
