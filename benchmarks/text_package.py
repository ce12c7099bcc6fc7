"""A package's recogniser of text, restricted to the numbers of shirts: what ours is compared with."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ground.compute.openvino_package import openvino_package
from ground.frames import Image
from tracker.numbers.reader import TEXTS
from tracker.types import FloatArray

_SOME = 0.2
"""How likely the package's recogniser says a number and no other letters, at least."""


class Package:
    """A recogniser of text as a package carries it: ONNX, CTC, restricted to digits."""

    def __init__(self, model: Path) -> None:
        openvino = openvino_package("a recogniser")
        letters = _letters(model)
        self._columns = [0, *(1 + letters.index(str(digit)) for digit in range(10))]
        self._network = openvino.compile_model(openvino.Core().read_model(model), "CPU")

    def read(self, image: Image) -> tuple[str, float]:
        """The likeliest number in ``image``, and how sure it is."""
        height, width = image.shape[:2]
        shown = np.zeros((1, 3, 48, 320), np.float32)
        across = min(320, round(48 * width / height))
        resized = cv2.resize(image[:, :, ::-1], (across, 48)).astype(np.float32) / 127.5 - 1
        shown[0, :, :, :across] = resized.transpose(2, 0, 1)
        steps = self._network(shown)[0][0][:, self._columns]
        chance = np.array([_ctc(steps, [1 + int(digit) for digit in text]) for text in TEXTS])
        best = int(chance.argmax())
        return TEXTS[best], float(min(chance[best] / max(chance.sum(), 1e-12), 1.0) * (chance[best] >= _SOME))


def _letters(model: Path) -> list[str]:
    """The letters that an ONNX model of PaddleOCR says it reads."""
    content = model.read_bytes()
    at = content.rfind(b"character") + len(b"character") + 1
    length = shift = 0
    while True:
        length |= (content[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if content[at - 1] < 128:
            return content[at : at + length].decode("utf-8").split("\n")


def _ctc(steps: FloatArray, symbols: list[int]) -> float:
    """How likely ``steps`` (T, 11) say just ``symbols``: the forward sum of CTC, column 0 is blank."""
    line = [0]
    for symbol in symbols:
        line += [symbol, 0]
    chance = np.zeros(len(line))
    chance[:2] = steps[0, line[:2]]
    for step in steps[1:]:
        before = chance.copy()
        chance[1:] += before[:-1]
        for i in range(3, len(line), 2):
            chance[i] += before[i - 2] if line[i] != line[i - 2] else 0
        chance *= step[line]
    return float(chance[-2:].sum())
