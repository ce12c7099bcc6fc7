"""YOLO11n's backbone as plain PyTorch: what several networks of both halves are built on."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

_SILU_GAIN = 2.8
"""Variance of weights times inputs that keeps a signal's size through SiLU (He et al. 2015, its 2 is for ReLU)."""


class ConvUnit(nn.Module):
    """2-D convolution with bias, then SiLU. No batch norm: the pre-trained weights come with it folded in."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2)
        nn.init.normal_(self.conv.weight, std=(_SILU_GAIN / (channels_in * kernel * kernel)) ** 0.5)
        nn.init.zeros_(cast(torch.Tensor, self.conv.bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, I, H, W) -> (N, O, H / stride, W / stride)."""
        return functional.silu(self.conv(x))


class Bottleneck(nn.Module):
    """Two 3x3 convolutions beside an identity (He et al. 2016)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.cv1 = ConvUnit(channels, hidden, 3)
        self.cv2 = ConvUnit(hidden, channels, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> the same shape."""
        return x + self.cv2(self.cv1(x))


class DeepBranch(nn.Module):
    """Two bottlenecks on one path and none on the other (cross stage partial network, Wang et al. 2020)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.cv1 = ConvUnit(channels, half)
        self.cv2 = ConvUnit(channels, half)
        self.cv3 = ConvUnit(2 * half, channels)
        self.m = nn.Sequential(Bottleneck(half, half), Bottleneck(half, half))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> the same shape."""
        return self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1))


class CrossStageBlock(nn.Module):
    """Split, refine one part, join all: the block of YOLO11's backbone, layer names as there."""

    def __init__(self, channels_in: int, channels_out: int, hidden: int, deep: bool) -> None:
        super().__init__()
        self.cv1 = ConvUnit(channels_in, 2 * hidden)
        self.cv2 = ConvUnit(3 * hidden, channels_out)
        self.m = nn.ModuleList([DeepBranch(hidden) if deep else Bottleneck(hidden, hidden // 2)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, I, H, W) -> (N, O, H, W)."""
        first, second = self.cv1(x).chunk(2, 1)
        return self.cv2(torch.cat([first, second, self.m[0](second)], 1))


def yolo11n_backbone() -> nn.ModuleList:
    """The first nine layers of YOLO11n, untrained, named as there: (N, 3, H, W) -> (N, 256, H / 32, W / 32).

    They can start from a detector's weights (``tracker.detect.features.export_backbone``).
    """
    return nn.ModuleList(
        [
            ConvUnit(3, 16, 3, 2),
            ConvUnit(16, 32, 3, 2),
            CrossStageBlock(32, 64, 16, deep=False),
            ConvUnit(64, 64, 3, 2),
            CrossStageBlock(64, 128, 32, deep=False),
            ConvUnit(128, 128, 3, 2),
            CrossStageBlock(128, 128, 64, deep=True),
            ConvUnit(128, 256, 3, 2),
            CrossStageBlock(256, 256, 128, deep=True),
        ]
    )
