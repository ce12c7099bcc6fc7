"""From uint8 clips to a network's input: the only place where pictures become tensors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from classify.networks.profile import Profile


def to_tensor(clips: npt.NDArray[np.uint8], profile: Profile, device: str | torch.device = "cpu") -> torch.Tensor:
    """uint8 (N, 16, H, W, 3) RGB -> (N, 3, T, h, w) as ``profile`` wants it, in channels_last_3d on ``device``.

    float16 on CUDA, float32 elsewhere.
    """
    x = normalise(to_unit(clips, profile, device), profile)
    return x.half() if x.is_cuda else x


def to_unit(clips: npt.NDArray[np.uint8], profile: Profile, device: str | torch.device = "cpu") -> torch.Tensor:
    """uint8 (N, 16, H, W, 3) RGB -> float32 (N, 3, T, h, w) RGB 0..1: chosen frames, scaled down, not yet normalised.

    This is where augmentation comes in, before ``normalise``.
    """
    chosen = clips[:, profile.chosen(clips.shape[1])]
    number, frames, height, width, channels = chosen.shape
    size = (profile.height, profile.width)
    x = (
        torch.from_numpy(np.ascontiguousarray(chosen))
        .to(device)
        .reshape(-1, height, width, channels)
        .permute(0, 3, 1, 2)
    )
    if (height, width) != size:  # the CPU scales bytes six times as fast as floats, CUDA scales floats only
        x = functional.interpolate(x.float() if x.is_cuda else x, size, mode="bilinear", antialias=True)
    x = x.permute(0, 2, 3, 1).reshape(number, frames, *size, channels).permute(0, 4, 1, 2, 3)
    return (x.float() / 255).contiguous(memory_format=torch.channels_last_3d)


def normalise(x: torch.Tensor, profile: Profile) -> torch.Tensor:
    """float (N, 3, T, H, W) RGB 0..1 -> the same shape in the profile's channel order, scale, mean and std."""
    if profile.colour == "BGR":
        x = x.flip(1)
    mean, std = (torch.tensor(v, device=x.device).reshape(1, 3, 1, 1, 1) for v in (profile.mean, profile.std))
    x = (x * (255 * profile.scale) - mean) / std
    return x.contiguous(memory_format=torch.channels_last_3d)
