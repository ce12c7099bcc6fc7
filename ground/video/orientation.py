"""The eight ways in which a stored picture can be turned and mirrored to be shown."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from ground.frames import Image

_TOLERANCE = 0.02
"""How far an axis may be from a right angle, as a tangent: about one degree."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """First the picture's axes are swapped, then it is mirrored: these three give all eight ways."""

    is_transposed: bool = False
    """Rows become columns: the top left corner stays, width and height change places."""
    mirrors_x: bool = False
    """Left and right change places."""
    mirrors_y: bool = False
    """Top and bottom change places."""

    def apply(self, image: Image) -> Image:
        """uint8 (H, W, 3) as stored -> as shown, contiguous."""
        if self.is_transposed:
            image = np.asarray(cv2.transpose(image), np.uint8)
        if self.mirrors_x and self.mirrors_y:
            return np.asarray(cv2.flip(image, -1), np.uint8)
        if self.mirrors_x or self.mirrors_y:
            return np.asarray(cv2.flip(image, int(self.mirrors_x)), np.uint8)
        return image


def read_display_matrix(matrix: bytes) -> Orientation | None:
    """The orientation that nine 32-bit numbers of a display matrix mean; None for any other angle.

    With (x, y) a place in the stored picture, it is shown at (a x + c y, b x + d y), up to a shift.
    """
    a, b, _, c, d, _, _, _, _ = struct.unpack("=9i", matrix)
    straight, across = (abs(a), abs(d)), (abs(b), abs(c))
    if max(across) <= _TOLERANCE * min(straight):
        return Orientation(False, a < 0, d < 0) if min(straight) else None
    if max(straight) <= _TOLERANCE * min(across):
        return Orientation(True, c < 0, b < 0)
    return None
