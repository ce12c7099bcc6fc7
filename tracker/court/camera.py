"""A camera beside the court: where it stands, where it looks, how much it sees.

A homography of the floor has eight numbers; a camera with square pixels, its axis through the middle of the picture,
has seven, and most of them are nearly known (it stands upright, above the floor, on the near side). So a camera is
known from less of the court than a homography, and it goes on beyond what is seen.
"""

from __future__ import annotations

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
        axes = self._axes()
        focal = np.exp(self.focal) * width
        inner = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
        floor = np.array([[1, 0, -self.x], [0, 1, -self.y], [0, 0, -self.z]])
        return inner @ axes @ floor

    def _axes(self) -> Float64Array:
        """Rows: to the right, down and forward in the picture, as directions in the hall."""
        (sp, st, sr), (cp, ct, cr) = np.sin([self.pan, self.tilt, self.roll]), np.cos([self.pan, self.tilt, self.roll])
        right, forward = np.array([cp, sp, 0]), np.array([sp * ct, -cp * ct, -st])
        down = np.array([-sp * st, cp * st, -ct])
        return np.stack([cr * right + sr * down, cr * down - sr * right, forward])
