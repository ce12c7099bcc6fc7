"""From uint8 clips to a network's input: the only place where pictures become tensors."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from classify.types import CLIP_HEIGHT, CLIP_LENGTH, CLIP_PACE, CLIP_WIDTH
from ground.errors import InputError

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STD = (0.22803, 0.22145, 0.216989)

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a network expects of its input; stored in its checkpoint. A value is ``(pixel * scale - mean) / std``."""

    height: int = CLIP_HEIGHT
    """Pixels; smaller than a clip's: pictures are scaled down."""
    width: int = CLIP_WIDTH
    frames: int = CLIP_LENGTH
    """Evenly chosen from a clip's 16."""
    pace: float = CLIP_PACE
    """Frames per second of the clips it was trained on, before choosing; networks of this program have 25."""
    colour: str = "RGB"
    """Order of the channels, "RGB" or "BGR"; mean and std are in this order."""
    scale: float = 1 / 255
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.colour not in ("RGB", "BGR"):
            raise InputError(f"colour order is RGB or BGR, not {self.colour!r}")
        if min(self.height, self.width, self.frames) < 1 or self.frames > CLIP_LENGTH:
            raise InputError(f"no network reads {self.frames} frames of {self.height}x{self.width}")
        if not (self.pace > 0 and self.scale > 0 and len(self.mean) == len(self.std) == 3 and min(self.std) > 0):
            raise InputError(f"pace, scale and the three std are positive: {self}")

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures it was trained on, before they were scaled to its own.

        Those of this program's clips, which all that learns from clips sees; else, as published, its own.
        """
        return (CLIP_HEIGHT, CLIP_WIDTH) if self.pace == CLIP_PACE else (self.height, self.width)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a checkpoint's metadata."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Profile:
        """The inverse of ``to_json``. Raises InputError when a field is missing, unknown or impossible."""
        if set(value) != {f.name for f in fields(cls)}:
            raise InputError(f"a preprocessing profile has other fields than {sorted(value)}")
        try:
            arguments: dict[str, Any] = value | {"mean": tuple(value["mean"]), "std": tuple(value["std"])}
            return cls(**arguments)
        except TypeError as error:
            raise InputError(f"a preprocessing profile cannot be {value}") from error


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
    chosen = clips[:, np.arange(profile.frames) * clips.shape[1] // profile.frames]
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
