"""Training of the network that reads numbers: pictures with a number at a known place, told cell by cell."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tracker.numbers.drawn import Sample
from tracker.numbers.reader import CELL, make_network
from tracker.types import FloatArray

_log = logging.getLogger("courtscribe")

_BATCH = 80
_NEAR, _AROUND = 0.17, 1.9
"""Heights of a number around its middle within which a cell is to read it; times as far, within which it may."""
_WEIGHT = 3.0
"""Weight of a cell that is to read, beside one that is not."""
_EVERY = 100
"""Steps between two lines about how it goes."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What to learn from."""

    images: npt.NDArray[np.uint8]
    """uint8 (N, S, S, 3) RGB."""
    written: FloatArray
    """float32 (N, 5): the number's middle, x and y, and height, pixels, 0: none; its first digit (0: none, else one
    more than it) and its last."""

    @staticmethod
    def of(samples: list[Sample]) -> Lessons:
        """These pictures."""
        rows = [(s.x, s.y, s.height, *_digits(s.text)) for s in samples]
        return Lessons(np.stack([s.image for s in samples]), np.array(rows, np.float32))


def _digits(text: str) -> tuple[int, int]:
    return (0 if len(text) < 2 else 1 + int(text[0])), int(text[-1:] or 0)


def train_numbers(lessons: Lessons, output: Path, steps: int, start_from: Path | None = None, seed: int = 0) -> None:
    """Train and write the weights (safetensors): AdamW, one cycle.

    start_from: weights whose layers of the same name and shape it begins from, of this network or of the second look
    at the ball, whose first layers are the same.
    """
    import torch
    from safetensors.torch import load_file, save_file

    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), make_network()
    if start_from is not None:
        own = network.state_dict()
        fits = {k: v for k, v in load_file(start_from).items() if k in own and own[k].shape == v.shape}
        network.load_state_dict(fits, strict=False)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        rows = rng.integers(len(lessons.images), size=_BATCH)
        images = torch.from_numpy(lessons.images[rows]).permute(0, 3, 1, 2).float() / 255
        loss = _loss(network(_lit(images)), torch.from_numpy(lessons.written[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        if step % _EVERY == _EVERY - 1:
            _log.info("step %d of %d: loss %.3f", step + 1, steps, float(loss))
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, output)


def _loss(said: Any, written: Any) -> Any:
    """Of cells ``said`` (N, 22, H, W): whether each is to read a number, and where it is, which."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    reads, may = _cells(written, said.shape[-1])
    each = binary_cross_entropy_with_logits(said[:, 0], reads.float(), reduction="none")
    weight = torch.where(reads, _WEIGHT, (~may).float())
    legible = (each * weight).sum() / (_WEIGHT * reads.sum() + 1)
    image, row, column = torch.nonzero(reads, as_tuple=True)
    there, digits = said[image, :, row, column], written[image, 3:].long()
    first = cross_entropy(there[:, 1:12], digits[:, 0], label_smoothing=0.03)
    last = cross_entropy(there[:, 12:], digits[:, 1], label_smoothing=0.03)
    return legible / 2 + first + last


def _cells(written: Any, count: int) -> tuple[Any, Any]:
    """Which cells (N, count, count) are to read the number, and which may, as they are near it."""
    import torch

    middle = (torch.arange(count) + 0.5) * CELL - 0.5
    x, y, height = (written[:, i, None, None] for i in range(3))
    away = torch.sqrt((middle[None, None] - x) ** 2 + (middle[None, :, None] - y) ** 2)
    near = (_NEAR * height).clamp(2.9, 4.5)
    return (height > 0) & (away < near), (height > 0) & (away < _AROUND * near)


def _lit(images: Any) -> Any:
    """Pictures in another light, with noise."""
    import torch

    count = len(images)

    def spread(width: float, channels: int) -> Any:
        return (torch.rand(count, channels, 1, 1) - 0.5) * width

    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * torch.exp(spread(0.7, 1)) + mean * torch.exp(spread(0.5, 1))
    images = images * torch.exp(spread(0.3, 3))
    swapped = torch.rand(count) < 0.15
    images[swapped] = images[swapped][:, torch.randperm(3)]
    return images + torch.randn(images.shape) * 0.02 * torch.rand(count, 1, 1, 1)
