"""What a player looks like, as numbers: colours, and features of a re-identification network that the user gives."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ground.compute.compiled import compile_network
from ground.compute.openvino_package import openvino_package
from ground.errors import InputError
from ground.frames import Image
from tracker.boxes import Float64Array
from tracker.colors import color_histogram, crop
from tracker.types import FloatArray

_STRIPS = (0, 16, 40, 56, 80)
"""Rows at which a patch is divided: head, shirt, shorts, legs."""
_STRIP_WIDTH = 16
"""Columns of a patch; more tell no more, colours are counted without their place."""
_MIDDLE = 0.6
"""Share of a box's width that is looked at: beside it is mostly floor."""
_COLORS = (6, 10, 10)
"""Bins of ``color_histogram``: lightness, a, b."""
_LIGHT = 1.0
"""Standard deviation, in bins, by which colours are blurred: light changes, and one shirt falls into two bins."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet's pictures, RGB 0..1: what re-identification networks are trained with."""


class Describer(Protocol):
    """Makes vectors of players that are near each other for one player."""

    def describe(self, image: Image, xyxy: Float64Array) -> FloatArray:
        """Vectors, float32 (K, D), of the boxes ``xyxy`` (K, 4), in pixels, in ``image`` (uint8, H, W, 3, RGB)."""
        ...


class ColorDescriber:
    """Blurred Lab histograms of head, shirt, shorts and legs; 2,400 numbers, square roots of shares.

    The distance of two such vectors is Hellinger's. Blurring makes it grow with the difference in colour.
    """

    def __init__(self) -> None:
        self._blur = [_gaussian(bins) for bins in _COLORS]
        self._weight = [np.ones((b - a, _STRIP_WIDTH)) for a, b in pairwise(_STRIPS)]

    def describe(self, image: Image, xyxy: Float64Array) -> FloatArray:
        """Vectors, float32 (K, 2400), of the boxes ``xyxy`` (K, 4) in ``image``."""
        inset = 0.5 * (1 - _MIDDLE) * (xyxy[:, 2] - xyxy[:, 0])
        middle = np.stack([xyxy[:, 0] + inset, xyxy[:, 1], xyxy[:, 2] - inset, xyxy[:, 3]], axis=1)
        shares = np.array([self._strips(patch) for patch in crops(image, middle, _STRIP_WIDTH, _STRIPS[-1])])
        shares = shares.reshape(len(xyxy) * len(self._weight), *_COLORS)
        for axis, blur in enumerate(self._blur, start=1):
            shares = np.moveaxis(np.moveaxis(shares, axis, -1) @ blur, -1, axis)
        return np.sqrt(shares.reshape(len(xyxy), len(self._weight) * math.prod(_COLORS))).astype(np.float32)

    def _strips(self, patch: Image) -> list[Float64Array]:
        parts = (patch[a:b] for a, b in pairwise(_STRIPS))
        return [color_histogram(part, weight) for part, weight in zip(parts, self._weight, strict=True)]


class ReidDescriber:
    """A re-identification network in a file that OpenVINO reads (ONNX, OpenVINO's own), on the CPU.

    It takes one batch of RGB crops, ImageNet-normalised, in either layout and of the size that the file says, and
    gives one vector per crop, as OSNet does. Raises InputError for a file that holds no such network.
    """

    def __init__(self, model: Path) -> None:
        if not model.is_file():
            raise InputError(f"re-identification model {model}: no such file")
        openvino = openvino_package("a re-identification model")
        try:
            network = openvino.Core().read_model(model)
            self._channels_first, self._height, self._width = _input_layout(network, model)
            size = (self._height, self._width)
            network.reshape([1, 3, *size] if self._channels_first else [1, *size, 3])
            # Not bfloat16, which OpenVINO takes where the processor knows it: likeness would differ by machine.
            self._model: Any = compile_network(network, {"INFERENCE_PRECISION_HINT": "f32"}, model)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise InputError(
                f"re-identification model {model}: not a model that OpenVINO can read ({reason})"
            ) from error

    def describe(self, image: Image, xyxy: Float64Array) -> FloatArray:
        """Vectors of length 1, float32 (K, D), of the boxes ``xyxy`` (K, 4) in ``image``."""
        pixels = (crops(image, xyxy, self._width, self._height).astype(np.float32) / 255 - _MEAN) / _DEVIATION
        if self._channels_first:
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        none = np.empty((0, self._model.output(0).shape[1]), np.float32)
        vectors = np.concatenate([none, *(self._model(pixels[k : k + 1])[0] for k in range(len(pixels)))])
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def crops(image: Image, xyxy: Float64Array, width: int, height: int) -> Image:
    """The boxes ``xyxy`` (K, 4) of ``image``, stretched to one size: uint8 (K, height, width, 3)."""
    parts = np.empty((len(xyxy), height, width, 3), np.uint8)
    for part, (x0, y0, x1, y1) in zip(parts, np.round(xyxy).astype(int).tolist(), strict=True):
        source = crop(image, x0, y0, max(x1, x0 + 2), max(y1, y0 + 2))
        cv2.resize(source, (width, height), dst=part, interpolation=cv2.INTER_AREA)
    return parts


def _gaussian(bins: int) -> Float64Array:
    """A matrix (bins, bins) that blurs a histogram and keeps its sum."""
    apart = np.subtract.outer(np.arange(bins), np.arange(bins)) / _LIGHT
    weight = np.exp(-0.5 * apart**2)
    return weight / weight.sum(axis=1, keepdims=True)


def _input_layout(network: Any, model: Path) -> tuple[bool, int, int]:
    """Whether channels come before rows, rows, columns.

    Raises InputError for a network that does not turn one batch of pictures into one vector each.
    """
    wrong = f"re-identification model {model}: expected one input (N,3,H,W) or (N,H,W,3) and one output (N,D)"
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise InputError(f"{wrong}, found {len(network.inputs)} inputs and {len(network.outputs)} outputs")
    taken, given = network.inputs[0].partial_shape, network.outputs[0].partial_shape
    sizes = [d.get_length() if d.is_static else 0 for d in taken] if taken.rank.is_static else []
    if given.rank.is_static and len(given) == 2 and len(sizes) == 4:
        if sizes[1] == 3 and min(sizes[2:]) > 0:
            return True, sizes[2], sizes[3]
        if sizes[3] == 3 and min(sizes[1:3]) > 0:
            return False, sizes[1], sizes[2]
    raise InputError(f"{wrong}, found {taken} and {given}")
