"""Training of the second look at what may be the ball: patches of spots, told apart by a small network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.frames import Image
from tracker.detect.ball_look import SEEN, cut_patch, make_network
from tracker.types import Detections, FloatArray

_IS, _IS_NOT = 0.6, 1.2
"""Sides of a ball within which a spot is of it, and beyond which of something else; between, nobody can say."""
_RIGHT, _OTHERS = 32, 96
"""Patches of balls and of other things in a step."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """What to learn from."""

    images: npt.NDArray[np.uint8]
    """uint8 (N, SIDE, SIDE, 3) RGB, see ``cut_patch``."""
    is_ball: npt.NDArray[np.bool_]
    """(N,)"""


def patches_of(image: Image, spots: Detections, balls: FloatArray, rng: np.random.Generator) -> Patches:
    """The patches of one picture: of what the detector told, and of each true ball twice, as a detector might box it.

    balls: float32 (B, 3): middle and side of all balls in it, pixels.
    """
    center, size = (spots.xyxy[:, :2] + spots.xyxy[:, 2:]) / 2, spots.xyxy[:, 2:] - spots.xyxy[:, :2]
    images = [cut_patch(image, at, float(side)) for at, side in zip(center, np.sqrt(size.prod(1)), strict=True)]
    away = np.linalg.norm(center[:, None] - balls[None, :, :2], axis=2) / np.maximum(balls[:, 2], 8)
    nearest = away.min(1, initial=np.inf)
    known = np.flatnonzero((nearest < _IS) | (nearest >= _IS_NOT))
    drawn = [_drawn(image, ball, rng) for ball in balls for _ in range(2)]
    kept = [images[i] for i in known] + drawn
    is_ball = np.concatenate([nearest[known] < _IS, np.ones(len(drawn), np.bool_)])
    return Patches(np.array(kept, np.uint8).reshape(-1, *cut_patch(image, np.zeros(2, np.float32), 1).shape), is_ball)


def _drawn(image: Image, ball: FloatArray, rng: np.random.Generator) -> Image:
    side = float(ball[2]) * float(np.exp(rng.normal(0, 0.15)))
    return cut_patch(image, (ball[:2] + rng.normal(0, 0.12, 2) * side).astype(np.float32), side)


def train_ball_look(patches: Patches, output: Path, epochs: int = 9, seed: int = 0) -> None:
    """Train and write the weights (safetensors): AdamW, one cycle, a quarter of each step balls, labels smoothed.

    epochs: how often each patch of another thing is seen.
    """
    import torch
    from safetensors.torch import save_file
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    torch.manual_seed(seed)
    generator, rng, network = torch.Generator().manual_seed(seed), np.random.default_rng(seed), make_network()
    balls, others = np.flatnonzero(patches.is_ball), np.flatnonzero(~patches.is_ball)
    steps = epochs * len(others) // _OTHERS
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    wanted = torch.cat([torch.full((_RIGHT,), 0.97), torch.full((_OTHERS,), 0.02)])
    for _ in range(steps):
        rows = np.concatenate([rng.choice(balls, _RIGHT), rng.choice(others, _OTHERS)])
        images = torch.from_numpy(patches.images[rows]).permute(0, 3, 1, 2).float() / 255
        loss = loss_of(network(_changed(images, generator))[:, 0], wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, output)


def _changed(images: Any, generator: Any) -> Any:
    """Patches turned, scaled, mirrored, moved, lit and coloured otherwise: (N, 3, SEEN, SEEN)."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    count = len(images)

    def spread(width: float, *shape: int) -> Any:
        return (torch.rand(count, *shape, generator=generator) - 0.5) * width

    turn, scale, mirror = spread(0.6), torch.exp(spread(0.5)) * 0.8, torch.sign(spread(1))
    rows = [mirror * scale * torch.cos(turn), -scale * torch.sin(turn), mirror * scale * torch.sin(turn)]
    warp = torch.stack([*rows, scale * torch.cos(turn)], 1).reshape(count, 2, 2)
    warp = torch.cat([warp, spread(0.12, 2, 1)], 2)
    grid = affine_grid(warp, [count, 3, SEEN, SEEN], align_corners=False)
    images = grid_sample(images, grid, align_corners=False, padding_mode="border")
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * torch.exp(spread(0.7, 1, 1, 1)) + mean * torch.exp(spread(0.5, 1, 1, 1))
    return images * torch.exp(spread(0.3, 3, 1, 1)) + torch.randn(images.shape, generator=generator) * 0.02
