"""Networks by name: frames of one player in, one logit per action out.

Every model is a plain ``nn.Module`` that maps float (N, 3, T, H, W) to (N, num_classes) and whose last layer is
called ``fc``. An R(2+1)D convolution is a 2-D convolution in each picture followed by a 1-D convolution over time
(Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from classify.networks import torchvision_nets
from classify.networks.player_maps import MAP_PARTS, PlayerMaps, describe
from classify.networks.preprocess import KINETICS_MEAN, KINETICS_STD, Profile
from ground.errors import InputError

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


class TemporalConv(nn.Module):
    """The 1-D half of an R(2+1)D convolution, added to its input; begins as the identity.

    Because the last weights begin at zero, a pre-trained spatial network computes the same as before on the first
    step, and learns how things move from there.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.over_time = nn.Conv2d(hidden, channels, (3, 1), padding=(1, 0))
        nn.init.zeros_(self.over_time.weight)
        nn.init.zeros_(cast(torch.Tensor, self.over_time.bias))

    def forward(self, x: torch.Tensor, frames: int) -> torch.Tensor:
        """(N * T, C, H, W) -> the same shape, where T is ``frames``."""
        _, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(-1, frames, height * width, channels).permute(0, 3, 1, 2)
        pixels = pixels + self.over_time(functional.silu(self.reduce(pixels)))
        return pixels.permute(0, 2, 3, 1).reshape(-1, height, width, channels).permute(0, 3, 1, 2)


_TEMPORAL_AFTER = {6: 128, 8: 256}
"""Stages of the small network that a temporal convolution follows, and their channels."""
_SEEN_AFTER = (4, 6, 8)
"""Stages that the maps are made from: 1/8, 1/16 and 1/32 of the picture."""
_LOOKS_GRID = (3, 2)
"""Rows and columns in which each channel of the last two of them is looked for."""
_LOOKS = (128 * 6, 256 * 6)
PICTURE_PARTS = (*MAP_PARTS, *_LOOKS)
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


class SmallR2Plus1d(nn.Module):
    """A small R(2+1)D for machines without a GPU: the first stages of YOLO11n in each picture, time in between.

    Its spatial half has the shape of YOLO11n's backbone, so it can start from a detector's weights
    (``tracker.detect.features.export_backbone``); the temporal convolutions begin as identity. From that it sees where
    joints and ball are (``classify.networks.player_maps``, taught by ``classify.train.distillation``). A clip is summed
    up over time by mean, spread and mean absolute change of those, and of what the backbone sees in each part of the
    picture.
    """

    def __init__(self, num_classes: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.spatial = nn.ModuleList(
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
        self.temporal = nn.ModuleDict({str(i): TemporalConv(c, 64) for i, c in _TEMPORAL_AFTER.items()})
        self.maps = PlayerMaps()
        self.norm = Rescale(3 * sum(PICTURE_PARTS))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(3 * sum(PICTURE_PARTS), num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        return self.fc(self.dropout(self.embed(x)))

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> features (N, 7194) of the whole clip."""
        scales = self.look(x)
        looks = [functional.adaptive_max_pool2d(scale, _LOOKS_GRID).flatten(1) for scale in scales[1:]]
        seen = torch.cat([describe(self.maps(scales)), *looks], 1)
        return self.norm(over_time(seen.unflatten(0, (-1, x.shape[2]))))

    def look(self, x: torch.Tensor) -> list[torch.Tensor]:
        """float (N, 3, T, H, W) -> what each picture is at three scales, (N * T, C, H / 8, W / 8) first."""
        clips, channels, frames, height, width = x.shape
        x = x.permute(0, 2, 3, 4, 1).reshape(clips * frames, height, width, channels).permute(0, 3, 1, 2)
        seen: list[torch.Tensor] = []
        for i, stage in enumerate(self.spatial):
            x = stage(x)
            if str(i) in self.temporal:
                x = self.temporal[str(i)](x, frames)
            if i in _SEEN_AFTER:
                seen.append(x)
        return seen


def over_time(features: torch.Tensor) -> torch.Tensor:
    """(N, T, C) -> (N, 3 C): mean, spread and mean absolute change."""
    centred = features - features.mean(1, keepdim=True)
    spread = (centred.square().mean(1) + 1e-6).sqrt()
    change = features.diff(dim=1).abs().mean(1) if features.shape[1] > 1 else torch.zeros_like(spread)
    return torch.cat([features.mean(1), spread, change], 1)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network and the input that it is made for."""

    factory: Callable[[int], nn.Module]
    """Number of classes -> untrained network."""
    profile: Profile
    kinetics_url: str | None = None
    """Where its Kinetics-400 weights are published."""


def _lrcn(num_classes: int) -> nn.Module:
    from classify.networks.recurrent import Lrcn  # its spatial half is the small network's, so it imports this module

    return Lrcn(num_classes)


def _conv_lstm(num_classes: int) -> nn.Module:
    from classify.networks.recurrent import ConvLstm

    return ConvLstm(num_classes)


def _pooled(num_classes: int) -> nn.Module:
    from classify.networks.pooled import PooledBackbone

    return PooledBackbone(num_classes)


_PUBLISHED = "https://download.pytorch.org/models/"
_KINETICS = Profile(mean=KINETICS_MEAN, std=KINETICS_STD)
_HALVES = Profile(mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225))
_IMAGENET = Profile(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

MODELS: dict[str, Architecture] = {
    "r2plus1d_18": Architecture(torchvision_nets.r2plus1d_18, _KINETICS, f"{_PUBLISHED}r2plus1d_18-91a641e6.pth"),
    "r2plus1d_s": Architecture(SmallR2Plus1d, Profile(frames=8)),
    "r3d_18": Architecture(torchvision_nets.r3d_18, _KINETICS, f"{_PUBLISHED}r3d_18-b3b3357e.pth"),
    "mc3_18": Architecture(torchvision_nets.mc3_18, _KINETICS, f"{_PUBLISHED}mc3_18-a90a0ba3.pth"),
    "s3d": Architecture(torchvision_nets.s3d, _KINETICS, f"{_PUBLISHED}s3d-d76dad2f.pth"),
    "mvit_v2_s": Architecture(torchvision_nets.mvit_v2_s, _HALVES, f"{_PUBLISHED}mvit_v2_s-ae3be167.pth"),
    "swin3d_t": Architecture(torchvision_nets.swin3d_t, _IMAGENET, f"{_PUBLISHED}swin3d_t-7615ae03.pth"),
    "lrcn": Architecture(_lrcn, Profile(height=112, width=80)),
    "conv_lstm": Architecture(_conv_lstm, Profile()),
    "pooled": Architecture(_pooled, Profile(frames=8)),
}
"""Every network, by the name that ``--model`` takes."""


def architecture(name: str) -> Architecture:
    """The network called ``name``. Raises InputError with the known names."""
    if name not in MODELS:
        raise InputError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]


def build_model(name: str, num_classes: int) -> nn.Module:
    """An untrained network called ``name``: float (N, 3, T, H, W) -> logits (N, num_classes).

    Raises InputError when there is no such network, or nothing to tell apart.
    """
    if num_classes < 2:
        raise InputError(f"a classifier needs at least 2 labels, not {num_classes}")
    return architecture(name).factory(num_classes)
