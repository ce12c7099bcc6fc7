"""A pinhole camera: from metres on the court to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.synthetic.gait import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A view of the court; x and y on the floor, z up, all in metres."""

    matrix: Floats
    """(3, 4): homogeneous pixels from homogeneous metres; the third is the depth in metres."""
    position: Floats
    """(3,) metres."""

    @staticmethod
    def look_at(
        position: Floats, target: Floats, focal: float, size: tuple[int, int] | tuple[float, float], roll: float = 0.0
    ) -> Camera:
        """A camera at ``position`` (3,) that has ``target`` (3,) in the middle of a (width, height) picture.

        ``focal`` is in pixels, ``roll`` in radians.
        """
        forward = (target - position) / np.linalg.norm(target - position)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        c, s = np.cos(roll), np.sin(roll)
        rotation = np.stack([c * right + s * down, c * down - s * right, forward])
        inner = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
        return Camera(inner @ np.c_[rotation, -rotation @ position], position)

    def window(self, left: float, top: float, scale: float = 1.0) -> Camera:
        """The same view in the pixels of a cut-out that begins at (left, top) and is resized by ``scale``."""
        cut = np.array([[scale, 0, -left * scale], [0, scale, -top * scale], [0, 0, 1.0]])
        return Camera(cut @ self.matrix, self.position)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels (..., 2) and depth (...,) in metres of points (..., 3)."""
        seen = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        depth = np.maximum(seen[..., 2], 0.05)
        return seen[..., :2] / depth[..., None], depth

    def scale(self, depth: Floats) -> Floats:
        """Pixels per metre at a depth."""
        return np.linalg.norm(self.matrix[0, :3] - self.matrix[2, :3] * self._center[0]) / depth

    @property
    def _center(self) -> Floats:
        """Where the optical axis meets the picture, in pixels."""
        return self.matrix[:2, :3] @ self.matrix[2, :3]

    def plane(self, origin: Floats, along: Floats, up: Floats) -> Floats:
        """The homography (3, 3) from coordinates (metres along, metres up) of a plane to pixels."""
        return np.stack([self.matrix[:, :3] @ along, self.matrix[:, :3] @ up, self.matrix @ np.r_[origin, 1.0]], axis=1)
