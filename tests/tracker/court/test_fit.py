"""A camera is found again from the areas that it sees."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS
from tracker.court.fit import Maps, fit_camera, refined
from tracker.court.homography import moved

NBA = COURTS["nba"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "camera",
    [
        Camera(1.0, 35.0, 12.0, -0.25, 0.33, 0.01, 0.9),
        Camera(-3.0, 24.0, 7.0, 0.5, 0.28, -0.02, 0.3),
        Camera(0.0, 20.0, 6.0, 0.0, 0.28, 0.0, -0.2),
    ],
    ids=["left", "right", "middle"],
)
def test_a_camera_is_found_from_its_areas(camera: Camera) -> None:
    blank = Maps.of(np.zeros((4, 54, 96), np.float32), 1280, 720)
    clear = blank.expected([camera], NBA, 0.7)[:, 0]
    noisy = np.clip(clear + np.random.default_rng(1).normal(0, 0.15, clear.shape), 0, 1)
    maps = Maps.of(noisy.astype(np.float32), 1280, 720)
    found = refined(maps, NBA, fit_camera(maps, NBA).camera)
    assert found.overlap > 0.75
    marks = np.array(list(NBA.landmarks().values()))
    pixels = moved(camera.homography(1280, 720), marks)
    inside = ((pixels > 0) & (pixels < [1280, 720])).all(axis=1)
    assert inside.sum() >= 3
    back = moved(np.linalg.inv(found.camera.homography(1280, 720)), pixels[inside])
    assert np.hypot(*(back - marks[inside]).T).max() < 0.25, "metres"


@pytest.mark.slow
def test_no_court_is_not_taken_for_one() -> None:
    noise = np.random.default_rng(2).random((4, 54, 96), np.float32)
    assert fit_camera(Maps.of(noise, 1280, 720), NBA).overlap < 0.6
