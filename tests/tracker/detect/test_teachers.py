"""Teachers see real players: where head and feet are, and the ball in the hands of the one who has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classify.data.clips import read_video
from ground.errors import InputError
from tracker.detect.teachers import Pictures, see_ball, see_joints

PLAYERS = Path(__file__).parents[3] / "weights/players.pt"
NOSE, SHOULDERS, HIPS, ANKLES = 0, [5, 6], [11, 12], [15, 16]


@pytest.fixture(scope="module")
def players(shared: Path) -> dict[str, Pictures]:
    """Some pictures of people who dribble, and of people who defend."""
    folders = {name: sorted((shared / "clips/university" / name).iterdir())[::12] for name in ("dribbling", "defense")}
    return {name: np.concatenate([read_video(p)[::4] for p in paths]) for name, paths in folders.items()}


@pytest.mark.slow
def test_joints_are_where_a_standing_body_has_them(players: dict[str, Pictures], shared: Path) -> None:
    shots = players["defense"][:24]
    joints = see_joints(shared / "weights/yolov8n-pose_int8_openvino_model", shots)
    assert joints.shape == (len(shots), 17, 3) and joints.dtype == np.float32
    seen = joints[joints[:, :, 2].mean(1) > 0.5]
    assert len(seen) > 0.5 * len(shots)
    heights = [np.median(seen[:, part, 1]) for part in (NOSE, SHOULDERS, HIPS, ANKLES)]
    assert heights == sorted(heights) and heights[-1] - heights[0] > 0.3
    assert np.abs(np.median(seen[:, HIPS, 0]) - 0.5) < 0.15


@pytest.mark.slow
def test_the_ball_is_seen_where_there_is_one(players: dict[str, Pictures]) -> None:
    ball = {name: see_ball(PLAYERS, pictures[:24]) for name, pictures in players.items()}
    most = {name: maps.max((1, 2)) for name, maps in ball.items()}
    for name, maps in ball.items():
        assert maps.shape == (len(players[name][:24]), 22, 16) and (maps >= 0).all() and (maps <= 1).all()
    assert (most["dribbling"] > 0.1).mean() > 3 * (most["defense"] > 0.1).mean() and (most["dribbling"] > 0.1).any()
    assert see_ball(PLAYERS, np.full((1, 176, 128, 3), 90, np.uint8)).max() < 0.05, "and not where there is nothing"


@pytest.mark.slow
def test_what_cannot_teach_is_refused(tmp_path: Path) -> None:
    picture = np.zeros((1, 176, 128, 3), np.uint8)
    with pytest.raises(InputError, match="no such file"):
        see_joints(tmp_path / "none.pt", picture)
    with pytest.raises(InputError, match="it must be a pose model"):
        see_joints(PLAYERS, picture)
    (tmp_path / "junk.pt").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"junk\.pt: not a model"):
        see_ball(tmp_path / "junk.pt", picture)
