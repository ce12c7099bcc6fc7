"""The areas of a basketball court in a picture, as a small network sees them (``tracker.court.network``)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ground.compute.graph import Network, open_graph
from ground.frames import Image
from tracker.types import FloatArray

AREAS = ("court", "paint", "three", "circle")
"""What is seen, in the order of the network's outputs: the whole court, the paint (lane), what lies within the
three-point line, the centre circle. Players before them count as them."""
WIDTH, HEIGHT = 384, 224
"""The network's picture: wide pictures keep their shape and lie at its top."""
STRIDE = 4
"""Pixels of that picture per cell of the maps."""


class CourtSegmenter:
    """The network with its weights: pictures of any size to maps. One thread at a time."""

    def __init__(self, weights: Path) -> None:
        """Raises InputError where ``weights`` is no file of this network's."""
        self._network = open_graph(weights) or _by_pytorch(weights)

    def areas(self, image: Image, aspect: float = 1.0) -> FloatArray:
        """Probability of each of ``AREAS`` in the cells of a picture, uint8 (H, W, 3) RGB -> float32 (4, h, w).

        aspect: of a pixel, width to height. Cell (i, j) has its centre at ``cell_centres(...)[i, j]``, in pixels that
        are square.
        """
        small, (height, width) = fitted(image, aspect)
        x = np.ascontiguousarray(small.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255))
        seen = np.float32(1) / (np.float32(1) + np.exp(-self._network(x)[0]))
        return np.ascontiguousarray(seen[:, : height // STRIDE, : width // STRIDE])


def _by_pytorch(weights: Path) -> Network:
    """The network where no graph lies beside its weights. Adds up in the same order on any number of cores."""
    import torch

    from tracker.court.network import load_network

    network = load_network(weights).eval()

    def see(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                return network(torch.from_numpy(inputs).contiguous(memory_format=torch.channels_last)).numpy()
        finally:
            torch.set_num_threads(threads)

    return see


def fitted(image: Image, aspect: float = 1.0) -> tuple[Image, tuple[int, int]]:
    """A picture in the network's size, its true shape kept, grey beside it; height and width of what is picture."""
    width, height = square_size((image.shape[1], image.shape[0]), aspect)
    scale = _scale(width, height)
    size = round(width * scale), round(height * scale)
    small = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small[: size[1], : size[0]] = cv2.resize(image, size, interpolation=how)
    return small, (size[1], size[0])


def square_size(size: tuple[int, int], aspect: float) -> tuple[int, int]:
    """Width and height of a picture of ``size`` in square pixels; aspect: of its own, width to height."""
    return round(size[0] * aspect), size[1]


def cell_centres(width: int, height: int, cells: tuple[int, int]) -> FloatArray:
    """Pixels of a picture of ``width`` and ``height`` at the centres of (h, w) cells, float32 (h, w, 2)."""
    step = STRIDE / _scale(width, height)
    x, y = np.meshgrid(np.arange(cells[1]), np.arange(cells[0]))
    return (np.stack([x, y], 2).astype(np.float32) + 0.5) * step - 0.5


def _scale(width: int, height: int) -> float:
    return min(WIDTH / width, HEIGHT / height)
