"""Change clips in ways that do not change what the player does: the same change in every picture of a clip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from classify.data.clips import Frames, sixteen
from classify.types import CLIP_LENGTH


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far clips are changed in training; zero everywhere leaves them as they are."""

    mirror: float = 0.5
    """Probability; no action has a side."""
    rotation: float = 8.0
    """Degrees at most."""
    zoom: float = 0.15
    """Size changes by up to this part."""
    shift: float = 0.07
    """Of the picture's size at most: boxes of a tracker are not centred as well."""
    colour: float = 0.25
    """Brightness, contrast and each channel change by up to this part: shirts and courts differ."""
    erase: float = 0.25
    """Probability that a rectangle is blanked, as a player who passes in front would."""
    time: float = 0.15
    """Pace rises by up to this part, and the clip starts somewhere else."""


_SLACK = 2
"""Frames by which a clip that is just long enough starts earlier or later."""


def vary_time(frames: Frames, augmentation: Augmentation, rng: np.random.Generator) -> Frames:
    """uint8 (T, H, W, 3) of any length -> (16, H, W, 3): another window of it, at a slightly faster pace.

    Never slower: pictures would have to be shown twice, and nobody freezes as he moves. A clip with no room for the
    window is played to and fro, as ``sixteen`` does; one of fewer than 16 frames begins anywhere in that.
    """
    if augmentation.time == 0:
        return sixteen(frames)
    pace = min(1 + augmentation.time * rng.random(), max(1, len(frames) - 1))  # of two pictures none is passed over
    taken = np.round(np.arange(len(frames)) * pace).astype(np.intp)
    taken = taken[taken < len(frames)]
    if len(taken) >= CLIP_LENGTH:
        start = int(rng.integers(len(taken) - CLIP_LENGTH + 1))
    elif len(frames) < CLIP_LENGTH:
        start = int(rng.integers(max(1, 2 * len(taken) - 2)))
    else:
        start = int(rng.integers(-_SLACK, _SLACK + 1))
    return frames[sixteen(taken, start)]


def augment(x: torch.Tensor, augmentation: Augmentation, rng: np.random.Generator) -> torch.Tensor:
    """float (N, 3, T, H, W) RGB 0..1 -> the same shape, each clip changed in its own way."""
    return _erase(_recolour(_move(x, augmentation, rng), augmentation, rng), augmentation, rng)


def _uniform(rng: np.random.Generator, reach: float, *shape: int) -> torch.Tensor:
    return torch.from_numpy(rng.uniform(-reach, reach, shape)).float()


def _move(x: torch.Tensor, a: Augmentation, rng: np.random.Generator) -> torch.Tensor:
    """Mirror, rotate, scale and shift; what comes in from outside is black, as the bars of a clip are."""
    number, channels, frames, height, width = x.shape
    flip = torch.from_numpy(np.where(rng.random(number) < a.mirror, -1.0, 1.0)).float()
    angle, zoom = _uniform(rng, math.radians(a.rotation), number), 1 + _uniform(rng, a.zoom, number)
    cos, sin, aspect = angle.cos() / zoom, angle.sin() / zoom, height / width
    shift = 2 * _uniform(rng, a.shift, number, 2)
    rows = [
        torch.stack([flip * cos, -aspect * sin, shift[:, 0]], 1),
        torch.stack([flip * sin / aspect, cos, shift[:, 1]], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), [number, 1, height, width], align_corners=False).to(x.device)
    pictures = x.reshape(number, channels * frames, height, width)
    return functional.grid_sample(pictures, grid, align_corners=False).reshape(x.shape)


def _recolour(x: torch.Tensor, a: Augmentation, rng: np.random.Generator) -> torch.Tensor:
    """Contrast, brightness and a gain per channel; black bars stay black."""
    gain = (1 + _uniform(rng, a.colour, len(x), 1)) * (1 + _uniform(rng, a.colour / 2, len(x), 3))
    gamma = torch.exp(_uniform(rng, a.colour, len(x), 1))
    gain, gamma = (v[:, :, None, None, None].to(x.device) for v in (gain, gamma))
    return (x.clamp(min=0) ** gamma * gain).clamp(0, 1)


def _erase(x: torch.Tensor, a: Augmentation, rng: np.random.Generator) -> torch.Tensor:
    height, width = x.shape[-2:]
    x = x.clone()
    for i in np.flatnonzero(rng.random(len(x)) < a.erase):
        h, w = (rng.uniform(0.15, 0.4, 2) * (height, width)).astype(int)
        top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
        x[i, :, :, top : top + h, left : left + w] = float(rng.random())
    return x
