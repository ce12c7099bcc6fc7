"""What a network expects of its input, and clips made so without PyTorch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

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

    def chosen(self, length: int) -> npt.NDArray[np.intp]:
        """Which frames of a clip of ``length`` it sees, (frames,)."""
        return np.arange(self.frames) * length // self.frames

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


def to_array(clips: npt.NDArray[np.uint8], profile: Profile) -> npt.NDArray[np.float32]:
    """``classify.networks.preprocess.to_tensor`` on the CPU, the same to the bit: float32 (N, 3, T, h, w).

    PyTorch is loaded only where pictures have to be scaled: no other library rounds as it does.
    """
    if clips.shape[2:4] != (profile.height, profile.width):
        from classify.networks.preprocess import to_tensor

        return to_tensor(clips, profile).contiguous().numpy()
    chosen = clips[:, profile.chosen(clips.shape[1])]
    x = np.empty((len(clips), 3, profile.frames, profile.height, profile.width), np.float32)
    scale, mean, std = np.float32(255 * profile.scale), *(np.array(v, np.float32) for v in (profile.mean, profile.std))
    for channel in range(3):
        values = np.divide(chosen[..., 2 - channel if profile.colour == "BGR" else channel], np.float32(255))
        x[:, channel] = (values * scale - mean[channel]) / std[channel]
    return x
