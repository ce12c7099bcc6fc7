"""A small network that sees the areas of a basketball court in a picture.

YOLO11n's backbone, which starts from the player detector's weights, with a pyramid of features on it (Lin et al.,
"Feature pyramid networks for object detection", CVPR 2017) that ends at a quarter of the picture's size.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn
from torch.nn import functional

from ground.compute.yolo11n import yolo11n_backbone
from ground.disk.files import write_atomically
from ground.errors import InputError
from ground.frames import Image
from tracker.types import FloatArray

AREAS = ("court", "paint", "three", "circle")
"""What is seen, in the order of the network's outputs: the whole court, the paint (lane), what lies within the
three-point line, the centre circle. Players before them count as them."""
WIDTH, HEIGHT = 384, 224
"""The network's picture: wide pictures keep their shape and lie at its top."""
STRIDE = 4
"""Pixels of that picture per cell of the maps."""

_STAGES = {2: 64, 4: 128, 6: 128, 8: 256}
"""Channels after the backbone's stages at 1/4, 1/8, 1/16 and 1/32 of the picture."""


class CourtNetwork(nn.Module):
    """Pictures, RGB 0..1, in; a map of logits for each of ``AREAS`` out."""

    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        self.spatial = yolo11n_backbone()
        self.lateral = nn.ModuleList([nn.Conv2d(c, channels, 1) for c in _STAGES.values()])
        self.smooth = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in _STAGES])
        self.maps = nn.Conv2d(channels, len(AREAS), 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, H, W), sides divisible by 32 -> (N, 4, H / 4, W / 4)."""
        scales: list[torch.Tensor] = []
        for i, stage in enumerate(self.spatial):
            x = stage(x)
            if i in _STAGES:
                scales.append(self.lateral[len(scales)](x))
        seen = functional.silu(self.smooth[-1](scales.pop()))
        for scale, layer in zip(reversed(scales), reversed(self.smooth[:-1]), strict=True):
            above = functional.interpolate(seen, size=scale.shape[-2:], mode="bilinear", align_corners=False)
            seen = functional.silu(layer(scale + above))
        return self.maps(seen)


class CourtSegmenter:
    """The network with its weights: pictures of any size to maps. One thread at a time."""

    def __init__(self, weights: Path) -> None:
        """Raises InputError where ``weights`` is no file of this network's."""
        self._network = load_network(weights).eval()

    @torch.inference_mode()
    def areas(self, image: Image, aspect: float = 1.0) -> FloatArray:
        """Probability of each of ``AREAS`` in the cells of a picture, uint8 (H, W, 3) RGB -> float32 (4, h, w).

        aspect: of a pixel, width to height. Cell (i, j) has its centre at ``cell_centres(...)[i, j]``, in pixels that
        are square.
        """
        small, (height, width) = fitted(image, aspect)
        x = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
        with _one_thread():
            seen = self._network(x.contiguous(memory_format=torch.channels_last)).sigmoid()[0].numpy()
        return np.ascontiguousarray(seen[:, : height // STRIDE, : width // STRIDE])


@contextmanager
def _one_thread() -> Generator[None]:
    """Inside, PyTorch adds up in the same order on any number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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


def save_network(network: CourtNetwork, path: Path) -> None:
    """Write the weights, in float16, as safetensors, whole or not at all."""
    tensors = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
    with write_atomically(path) as part:
        part.write_bytes(save(tensors))


def load_network(path: Path) -> CourtNetwork:
    """The inverse of ``save_network``. Raises InputError where the file is missing, damaged or another network's."""
    network = CourtNetwork()
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path}: holds no weights of the court's network") from error
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
