"""How clips become pictures, and features of pictures features of clips."""

from __future__ import annotations

import torch


def pictures(clips: torch.Tensor) -> torch.Tensor:
    """(N, 3, T, H, W) -> every picture on its own, (N * T, 3, H, W), channels last in memory."""
    number, channels, frames, height, width = clips.shape
    return clips.permute(0, 2, 3, 4, 1).reshape(number * frames, height, width, channels).permute(0, 3, 1, 2)


def over_time(features: torch.Tensor) -> torch.Tensor:
    """(N, T, C) -> (N, 3 C): mean, spread and mean absolute change."""
    centred = features - features.mean(1, keepdim=True)
    spread = (centred.square().mean(1) + 1e-6).sqrt()
    change = features.diff(dim=1).abs().mean(1) if features.shape[1] > 1 else torch.zeros_like(spread)
    return torch.cat([features.mean(1), spread, change], 1)
