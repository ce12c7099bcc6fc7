"""The small network, for machines without a GPU: what each picture shows, pooled over time."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from classify.networks.blocks import over_time, pictures
from classify.networks.player_maps import MAP_PARTS, PlayerMaps, describe
from ground.compute.yolo11n import yolo11n_backbone

_SCALES_AFTER = (4, 6, 8)
"""Stages that the maps are made from: 1/8, 1/16 and 1/32 of the picture."""
_GRID = (3, 2)
"""Rows and columns in which the maximum of each channel of the last two of them is taken."""
PICTURE_PARTS = (*MAP_PARTS, 128 * 6, 256 * 6)
"""Features of one picture: of joints, of the ball, of both, and what the backbone sees where, at two scales."""


class Rescale(nn.Module):
    """A gain and an offset per feature, to bring features of a clip to mean 0 and spread 1."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(features))
        self.offset = nn.Parameter(torch.zeros(features))

    @torch.no_grad()
    def reset(self) -> None:
        """Pass features on as they are."""
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.offset)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C) -> the same shape."""
        return x * self.gain + self.offset


class PooledMaps(nn.Module):
    """YOLO11n's backbone and maps of joints and ball in each picture; how those go over time.

    The backbone starts from a detector's weights; the maps (``classify.networks.player_maps``) are taught by
    ``classify.train.distillation``. A clip is summed up by mean, spread and mean absolute change of what they show, and
    of what the backbone sees in each part of the picture.
    """

    def __init__(self, num_classes: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.spatial = yolo11n_backbone()
        self.maps = PlayerMaps()
        self.norm = Rescale(3 * sum(PICTURE_PARTS))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(3 * sum(PICTURE_PARTS), num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        return self.fc(self.dropout(self.embed(x)))

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> features (N, 7194) of the whole clip."""
        scales = self.scales(x)
        places = [functional.adaptive_max_pool2d(scale, _GRID).flatten(1) for scale in scales[1:]]
        features = torch.cat([describe(self.maps(scales)), *places], 1)
        return self.norm(over_time(features.unflatten(0, (-1, x.shape[2]))))

    def scales(self, x: torch.Tensor) -> list[torch.Tensor]:
        """float (N, 3, T, H, W) -> what each picture is at three scales, (N * T, C, H / 8, W / 8) first."""
        x = pictures(x)
        scales: list[torch.Tensor] = []
        for i, stage in enumerate(self.spatial):
            x = stage(x)
            if i in _SCALES_AFTER:
                scales.append(x)
        return scales
