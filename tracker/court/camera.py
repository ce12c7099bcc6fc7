"""A camera beside the court: where it stands, where it looks, how much it sees.

A homography of the floor has eight numbers; a camera with square pixels, its axis through the middle of the picture,
has seven, and most of them are nearly known (it stands upright, above the floor, on the near side). So a camera is
known from less of the court than a homography, and it goes on beyond what is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.boxes import Float64Array


@dataclass(frozen=True, slots=True)
class Camera:
    """Metres and radians; see ``tracker.court.dimensions`` for the axes. Heights are positive."""

    x: float
    y: float
    z: float
    pan: float
    """0 looks across the court, away from y > 0; positive to the right."""
    tilt: float
    """Downwards."""
    roll: float
    focal: float
    """Logarithm of the focal length, in widths of the picture."""

    @classmethod
    def of(cls, numbers: Float64Array) -> Camera:
        """From (7,), in the order of the fields."""
        return cls(*numbers.tolist())

    def numbers(self) -> Float64Array:
        """(7,), in the order of the fields."""
        return np.array([self.x, self.y, self.z, self.pan, self.tilt, self.roll, self.focal])

    def homography(self, width: int, height: int) -> Float64Array:
        """(3, 3): from metres on the floor to pixels of a picture; what lies before the camera has a positive depth."""
        return homographies([self], width, height)[0]


def homographies(cameras: Sequence[Camera], width: int, height: int) -> Float64Array:
    """(N, 3, 3), of each camera, see ``Camera.homography``."""
    x, y, z, pan, tilt, roll, focal = np.array([camera.numbers() for camera in cameras]).T
    inner, floor = np.zeros((2, len(cameras), 3, 3))
    inner[:, 0, 0] = inner[:, 1, 1] = np.exp(focal) * width
    inner[:, :, 2] = (width - 1) / 2, (height - 1) / 2, 1
    floor[:, 0, 0] = floor[:, 1, 1] = 1
    floor[:, :, 2] = -np.stack([x, y, z], axis=1)
    return inner @ _axes(pan, tilt, roll) @ floor


def _axes(pan: Float64Array, tilt: Float64Array, roll: Float64Array) -> Float64Array:
    """(N, 3, 3), rows: to the right, down and forward in the picture, as directions in the hall."""
    (sp, st, sr), (cp, ct, cr) = np.sin([pan, tilt, roll]), np.cos([pan, tilt, roll])
    right, forward = np.stack([cp, sp, np.zeros_like(sp)]), np.stack([sp * ct, -cp * ct, -st])
    down = np.stack([-sp * st, cp * st, -ct])
    return np.stack([cr * right + sr * down, cr * down - sr * right, forward]).transpose(2, 0, 1)
