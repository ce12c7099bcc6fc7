"""What frozen networks make of a picture: a row of numbers that lie near each other for pictures that look alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ground.compute.compiled import compile_network
from ground.compute.openvino_package import openvino_package
from ground.errors import InputError
from pipeline.shipped import WEIGHTS
from pipeline.sport.picture import Picture

Row = npt.NDArray[np.float32]
"""float32 (C,), of length 1."""
DEFAULT = "efficientnet_lite2"
_NETWORK = WEIGHTS / "efficientnet_lite2.xml"
_DETECTOR = WEIGHTS / "players_int8_openvino_model" / "detector.xml"
_DETECTOR_LAYERS = ("model.6/aten::cat/Concat", "model.8/aten::cat/Concat", "model.10/aten::cat/Concat")
"""Ends of names: where the detector's backbone joins what it saw at 1/16 and 1/32 of the picture's size."""
_DETECTOR_SIDE = 320
"""Pixels of its square input. Higher: finer, and its cost grows with the square."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A network that is ready. One thread at a time."""

    name: str
    digest: str
    """SHA-256 of its files: rows of another digest cannot be compared."""
    side: int
    """Pixels of its square input."""
    run: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
    """uint8 (V, side, side, 3) -> (V, C)."""

    def row(self, picture: Picture) -> Row:
        """Of the whole picture, squeezed to a square, and of its middle. Mirror images added 0.01 in a trial."""
        rows = self.run(np.stack([view(picture, self.side) for view in VIEWS]))
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        mean = rows.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _whole(picture: Picture, side: int) -> Picture:
    height, width = picture.shape[:2]
    way = cv2.INTER_AREA if min(height, width) >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)


def _middle(picture: Picture, side: int) -> Picture:
    height, width = picture.shape[:2]
    size = min(height, width)
    top, left = (height - size) // 2, (width - size) // 2
    return _whole(picture[top : top + size, left : left + size], side)


VIEWS = (_whole, _middle)
"""How a picture becomes a square of so many pixels a side."""


def efficientnet_lite2() -> Embedding:
    """EfficientNet-Lite2, taught on ImageNet, in eight bits; the mean over its last map."""
    model = _read(_NETWORK)
    side = int(model.input(0).get_partial_shape()[1].get_length())
    request = _compile(model, _NETWORK)
    return Embedding(
        DEFAULT, _digest(_NETWORK), side, lambda views: np.array(request.infer([views])[0], np.float32, copy=True)
    )


def detector() -> Embedding:
    """The player detector's own layers, as means over their maps."""
    model = _read(_DETECTOR)
    ends = [op for op in model.get_ordered_ops() if op.get_friendly_name().endswith(_DETECTOR_LAYERS)]
    model.add_outputs([op.output(0) for op in ends])
    request, first = _compile(model, _DETECTOR), len(model.outputs) - len(ends)

    def run(views: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        found = request.infer([views.transpose(0, 3, 1, 2).astype(np.float32) / 255])
        maps = [found[i].mean(axis=(2, 3)) for i in range(first, first + len(ends))]
        return np.concatenate([m / np.linalg.norm(m, axis=1, keepdims=True) for m in maps], axis=1)

    return Embedding("detector", _digest(_DETECTOR), _DETECTOR_SIDE, run)


def tflite(path: Path) -> Embedding:
    """An image classifier in TensorFlow Lite that takes uint8 pictures; what its last pooling gives.

    Raises InputError where it is none.
    """
    model = _read(path)
    pools = [op for op in model.get_ordered_ops() if op.get_type_name() in ("AvgPool", "ReduceMean")]
    shape = model.input(0).get_partial_shape()
    if not pools or len(shape) != 4 or model.input(0).get_element_type().get_type_name() != "u8":
        raise InputError(f"{path}: takes no pictures of eight bits, or has no pooling; give an image classifier")
    model.add_outputs([pools[-1].output(0)])
    request, side = _compile(model, path), int(shape[1].get_length())

    def run(views: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        rows = [np.array(request.infer([view[None]])[1], np.float32).ravel() for view in views]
        return np.stack(rows)

    return Embedding(path.stem, _digest(path), side, run)


EMBEDDINGS: dict[str, Callable[[], Embedding]] = {DEFAULT: efficientnet_lite2, "detector": detector}
"""What is there without anything else, by name."""


def open_embedding(name: str = DEFAULT) -> Embedding:
    """An embedding by name, or of a file ``*.tflite``. Raises InputError for what is neither."""
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]()
    if name.endswith(".tflite"):
        return tflite(Path(name))
    raise InputError(f"{name}: an embedding is {', '.join(EMBEDDINGS)} or a .tflite file", "embedding")


def _read(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return openvino_package("telling sports").Core().read_model(path)
    except RuntimeError as error:
        raise InputError(f"{path}: is no network that can be read; is it whole?") from error


def _compile(model: Any, path: Path) -> Any:
    """On one thread and in float32, so that a picture's row is the same on every machine, nearly."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    return compile_network(model, settings, path).create_infer_request()


def _digest(path: Path) -> str:
    """Of a network and, where they lie beside it, its numbers."""
    found = hashlib.sha256(path.read_bytes())
    numbers = path.with_suffix(".bin")
    if path.suffix == ".xml" and numbers.is_file():
        found.update(numbers.read_bytes())
    return found.hexdigest()
