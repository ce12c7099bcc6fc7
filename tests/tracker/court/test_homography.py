"""Homographies from points: true to the points, and refused where the points do not tell."""

from __future__ import annotations

import numpy as np
import pytest

from ground.errors import InputError
from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS
from tracker.court.homography import from_points, moved

CAMERA = Camera(2.0, 22.0, 8.0, -0.3, 0.33, 0.02, 0.3)
METRES = np.array([point for name, point in COURTS["nba"].landmarks().items() if "left" in name])


def test_a_camera_is_found_again_from_its_points() -> None:
    to_pixels = CAMERA.homography(1280, 720)
    to_metres = from_points(moved(to_pixels, METRES), METRES)
    far = np.array([[3.0, 2.0], [-13.0, -7.0]])
    assert np.abs(moved(to_metres, moved(to_pixels, far)) - far).max() < 1e-6


def test_a_camera_looks_where_it_says() -> None:
    straight = Camera(0.0, 20.0, 20.0, 0.0, np.pi / 4, 0.0, 0.0).homography(1280, 720)
    at = moved(straight, np.array([[0, 0], [1, 0], [0, 1.0]]))
    assert at[0] == pytest.approx([639.5, 359.5])
    assert at[1][0] > at[0][0], "x goes to the right"
    assert at[2][1] > at[0][1], "what is near is lower in the picture"
    assert np.isnan(moved(straight, np.array([[0.0, 45.0]]))).all(), "behind the camera"


@pytest.mark.parametrize(
    "metres",
    [METRES[:3], np.array([[0, 0], [1, 0], [2, 0], [3, 3.0]]), np.array([[0, 0], [0, 0], [2, 1], [3, 3.0]])],
)
def test_points_that_do_not_tell_are_refused(metres: np.ndarray) -> None:
    pixels = np.array([[0, 0], [100, 0], [200, 0], [50, 60.0]])[: len(metres)]
    with pytest.raises(InputError, match="points"):
        from_points(pixels, metres)
