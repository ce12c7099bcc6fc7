"""The court over time: frames between those that are looked at, cuts, and courts that are none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS
from tracker.court.fit import Maps
from tracker.court.homography import moved
from tracker.court.join import known_court
from tracker.types import CameraMotion

WIDTH, HEIGHT = 1280, 720
START = Camera(0.0, 30.0, 11.0, -0.3, 0.35, 0.0, 0.6)
POINTS = np.array([[-9.0, 0.0], [-7.0, 5.0], [-11.0, -3.0]])


def _seen(camera: Camera, kind: str) -> Maps:
    blank = Maps.of(np.zeros((4, 54, 96), np.float32), WIDTH, HEIGHT)
    return Maps.of(blank.expected([camera], COURTS[kind], 0.7)[:, 0], WIDTH, HEIGHT)


def _pan(before: Camera, after: Camera) -> CameraMotion:
    a, b = (moved(camera.homography(WIDTH, HEIGHT), POINTS).mean(axis=0) for camera in (before, after))
    return CameraMotion((float(b[0] - a[0]), float(b[1] - a[1])))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nba", "fiba", "high-school"])
def test_frames_between_are_reached_and_the_kind_is_told(kind: str) -> None:
    cameras = [replace(START, pan=START.pan + 0.004 * i) for i in range(11)]
    motion = [CameraMotion(), *(_pan(*pair) for pair in pairwise(cameras))]
    court = known_court({row: _seen(cameras[row], kind) for row in (0, 10)}, motion)
    assert court.kind == kind and court.frame_index.tolist() == list(range(11))
    for row, homography in enumerate(court.homography):
        pixels = moved(cameras[row].homography(WIDTH, HEIGHT), POINTS)
        assert np.hypot(*(moved(homography, pixels) - POINTS).T).max() < 0.3, "metres"


@pytest.mark.slow
def test_nothing_is_told_across_a_cut_and_nothing_of_noise() -> None:
    motion = [CameraMotion()] * 3 + [CameraMotion(is_cut=True)] + [CameraMotion()] * 2
    noise = Maps.of(np.random.default_rng(1).random((4, 54, 96), np.float32), WIDTH, HEIGHT)
    court = known_court({0: _seen(START, "nba"), 2: _seen(START, "nba"), 4: noise}, motion, "nba")
    assert court.frame_index.tolist() == [0, 1, 2]
    assert known_court({4: noise}, motion).kind == ""


@pytest.mark.slow
def test_a_court_that_does_not_move_as_the_background_is_none() -> None:
    after = replace(START, pan=START.pan + 0.1)
    seen = {0: _seen(START, "nba"), 1: _seen(after, "nba")}
    assert known_court(seen, [CameraMotion(), _pan(START, after)], "nba").kind == "nba"
    assert known_court(seen, [CameraMotion(), CameraMotion()], "nba").kind == ""
