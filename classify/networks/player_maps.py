"""Where a player's joints and the ball are in a picture, as maps, and what they say about a clip.

Heat maps per joint, read out as the centre of their mass (Sun et al., Integral Human Pose Regression, ECCV 2018): the
pose is a few numbers that do not know shirts, courts or lighting, so that little is enough to learn actions from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

NUM_JOINTS = 17
"""COCO's keypoints, in its order; the map after them is the ball's."""
MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""The joint that each becomes in a mirror image."""
BALL_GRID = (6, 4)
"""Rows and columns in which the ball is looked for: it leaves the box, so it has no centre that could be averaged."""
MAP_PARTS = (3 * NUM_JOINTS + 2, BALL_GRID[0] * BALL_GRID[1], NUM_JOINTS)
"""Numbers that describe one picture: of joints, of where the ball is, of which joints it is at."""

_SCALES = (128, 128, 256)
"""Channels of the backbone at 1/8, 1/16 and 1/32 of the picture."""
_SHARPNESS = 0.1
"""Brings how sharp a joint's map is, in nats, to about 1."""
_NO_BALL = 1e-2
"""Probabilities under this are all the same."""
_REACH = 5
"""Side of the square of cells around a joint in which the ball is at it; in smaller ones it is missed."""


class PlayerMaps(nn.Module):
    """Three scales of a backbone in, 18 maps of logits at 1/8 of the picture out: joints, then the ball."""

    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        self.lateral = nn.ModuleList([nn.Conv2d(c, channels, 1) for c in _SCALES])
        self.refine = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)])
        self.maps = nn.Conv2d(channels, NUM_JOINTS + 1, 1)
        bias = cast(torch.Tensor, self.maps.bias)
        nn.init.constant_(bias[NUM_JOINTS:], math.log(_NO_BALL))  # a ball is seldom in sight

    def forward(self, scales: Sequence[torch.Tensor]) -> torch.Tensor:
        """(N, 128, H, W), (N, 128, H / 2, W / 2), (N, 256, H / 4, W / 4), rounded up -> logits (N, 18, H, W)."""
        size = scales[0].shape[-2:]
        parts = [layer(x) for layer, x in zip(self.lateral, scales, strict=True)]
        x = parts[0] + functional.interpolate(parts[1], size) + functional.interpolate(parts[2], size)
        for layer in self.refine:
            x = layer(functional.silu(x))
        return self.maps(functional.silu(x))


def describe(maps: torch.Tensor) -> torch.Tensor:
    """Logits (N, 18, H, W) -> features (N, 53 + 24 + 17).

    Each joint's place from the joints' middle and how sharp its map is, the middle itself (both in heights of the
    picture), the log probability of the ball in each cell of a grid, and of the ball at each joint.
    """
    height, width = maps.shape[-2:]
    joints = maps[:, :NUM_JOINTS].flatten(2)
    mass = joints.softmax(2).unflatten(2, (height, width))
    x = (mass.sum(2) * _centres(width, mass)).sum(2) / height
    y = (mass.sum(3) * _centres(height, mass)).sum(2) / height
    sharpness = (joints.logsumexp(2) - joints.mean(2)) * _SHARPNESS
    middle_x, middle_y = x.mean(1, keepdim=True), y.mean(1, keepdim=True)
    ball = maps[:, NUM_JOINTS:].sigmoid()
    somewhere = functional.adaptive_max_pool2d(ball, BALL_GRID).flatten(1)
    around = functional.max_pool2d(ball, _REACH, stride=1, padding=_REACH // 2)
    at_joints = (mass * around).sum((2, 3))
    seen = (torch.cat([somewhere, at_joints], 1) + _NO_BALL).log()
    return torch.cat([x - middle_x, y - middle_y, sharpness, middle_x, middle_y, seen], 1)


def _centres(number: int, like: torch.Tensor) -> torch.Tensor:
    return torch.arange(number, device=like.device, dtype=like.dtype) + 0.5
