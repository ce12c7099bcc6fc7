"""Tracks from a file and boxes drawn by hand get what detected players get: camera, cuts, speed."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ground.video.source import open_video
from pipeline.progress import Silent
from pipeline.stages.by_hand import follow_by_hand, follow_file
from pipeline.stages.windows import WindowConfig, plan_windows
from pipeline.video.encode import write_video
from tracker.by_hand.rois import Roi
from tracker.files.track_file import TrackFile
from tracker.types import Tracks

_CUT, _FRAMES, _PAN = 20, 40, 4


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots, the camera of the first one panning to the right; a player stands still on the picture in both."""
    rng = np.random.default_rng(0)
    halls = [np.kron(rng.integers(0, 255, (45, 120, 3), dtype=np.uint8), np.ones((4, 4, 1), np.uint8)) for _ in "ab"]
    player = rng.integers(0, 255, (80, 30, 3), dtype=np.uint8)

    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        for i in range(_FRAMES):
            pan = _PAN * i if i < _CUT else 0
            image = halls[i >= _CUT][:, pan : pan + 320].copy()
            image[60:140, 100:130] = player
            yield i / 25, image

    path = tmp_path_factory.mktemp("by_hand") / "two.mp4"
    write_video(path, pictures(), frame_rate=Fraction(25))
    return path


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three players in red and three in white, who stand."""
    hall = np.kron(
        np.random.default_rng(1).integers(90, 160, (45, 80, 3), dtype=np.uint8), np.ones((4, 4, 1), np.uint8)
    )
    for i, color in enumerate([(200, 30, 40), (235, 235, 235)] * 3):
        hall[60:140, 50 * i + 20 : 50 * i + 40] = color
    path = tmp_path_factory.mktemp("game") / "game.mp4"
    write_video(path, ((i / 25, hall) for i in range(10)), frame_rate=Fraction(25))
    return path


def _standing() -> list[tuple[float, float, float, float]]:
    return [(50.0 * i + 15, 58.0, 30.0, 84.0) for i in range(6)]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "roi"])
def test_teams_are_told_without_a_detector(game: Path, how: str) -> None:
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in _standing()])
    with open_video(game) as source:
        if how == "file":
            tracks = Tracks.of(np.repeat(range(10), 6), np.tile(range(1, 7), 10), np.tile(boxes, (10, 1)))
            _, players, _ = follow_file(source, TrackFile(tracks, teams={2: "Home", 1: "Away"}), Silent())
            assert players.teams.names == ("Home", "Away")
        else:
            _, players, _ = follow_by_hand(source, [Roi(box) for box in _standing()], Silent())
    first, second = players.teams.names
    assert [players.teams.team(i) for i in range(1, 7)] == [second, first] * 3


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "roi"])
def test_cuts_and_camera_are_seen_without_a_detector(video: Path, how: str) -> None:
    boxes = np.tile([100, 60, 130, 140], (_FRAMES, 1))
    with open_video(video) as source:
        if how == "file":
            given = TrackFile(Tracks.of(np.arange(_FRAMES), np.ones(_FRAMES), boxes))
            frames, players, _ = follow_file(source, given, Silent())
        else:
            frames, players, _ = follow_by_hand(source, [Roi((100.0, 60.0, 30.0, 80.0))], Silent())
    assert frames.is_cut is not None and np.flatnonzero(frames.is_cut).tolist() == [_CUT]
    camera = frames.camera()
    assert camera is not None and camera[_CUT - 1, 0] == pytest.approx(-_PAN * (_CUT - 1), rel=0.05)
    plan = plan_windows(players.tracks, frames.index, frames.time, WindowConfig(), frames.shot())
    whole = np.isfinite(plan.window_start)
    start, end = plan.window_start[whole], plan.window_end[whole]
    assert len(start) >= 2, "clips on both sides of the cut"
    assert not ((start < _CUT / 25 - 1e-6) & (end > _CUT / 25 + 1e-6)).any(), "and none over it"
