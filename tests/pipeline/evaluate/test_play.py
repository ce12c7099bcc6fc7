"""The whole play against a folder of truth: a made game's own truth, and what is wrong with files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from pipeline.evaluate.ball import read_events
from pipeline.evaluate.court import landmark_errors
from pipeline.evaluate.play import PlayAgreement, play_table
from pipeline.evaluate.teams import read_players_teams
from pipeline.evaluate.truth import read_truth_folder
from pipeline.synthetic.game import SyntheticGame
from pipeline.synthetic.truth import SEEN, GameTruth, write_truth
from tracker.court.homography import from_points
from tracker.court.known import KnownCourt
from tracker.evaluate.scores import evaluate_tracks

pytestmark = pytest.mark.slow  # a game of 20 s is outlined first

SECONDS, FPS = 20.0, 6.0


@pytest.fixture(scope="module")
def truth() -> GameTruth:
    return SyntheticGame(0, SECONDS, (320, 180), FPS).truth


@pytest.fixture(scope="module")
def folder(truth: GameTruth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("truth")
    write_truth(truth, written)
    return written


def test_a_game_is_read_as_it_was_written(truth: GameTruth, folder: Path) -> None:
    boxes, actions = read_truth_folder(folder)
    assert len(boxes) == len(truth.visible) and np.abs(boxes.xyxy - truth.visible.xyxy).max() < 0.02
    assert actions == [label for label, share in zip(truth.labels, truth.visibility, strict=True) if share >= SEEN]
    assert list(read_players_teams(folder).values()) == list(truth.teams)
    assert read_events(folder / "events.csv") == [(pytest.approx(e.time, abs=1e-3), e.kind) for e in truth.events]


def test_who_has_the_ball_is_near_it_and_lets_go_where_an_event_says(truth: GameTruth) -> None:
    kinds = [event.kind for event in truth.events]
    assert {"pass", "shot", "rebound"} <= set(kinds)
    for event in truth.events:
        frame = round(event.time * FPS)
        assert truth.holder[frame] == event.player
        if event.kind != "rebound":
            assert truth.holder[frame + 1] == 0
    held = np.flatnonzero(truth.holder)
    for frame in held.tolist():
        mine = truth.tracks[(truth.tracks.frame_index == frame) & (truth.tracks.track_id == truth.holder[frame])]
        if len(mine):
            left, top, right, bottom = mine.xyxy[0].tolist()
            x, y, _ = truth.ball[frame].tolist()
            room = (bottom - top) / 2
            assert left - room < x < right + room and top - room < y < bottom + room


def test_a_court_fitted_to_its_landmarks_is_right_there_and_unknown_elsewhere(truth: GameTruth, folder: Path) -> None:
    first = [mark for mark in truth.landmarks if mark.frame == 0]
    found = from_points(np.array([mark.pixel for mark in first]), np.array([mark.metres for mark in first]))
    off = landmark_errors(KnownCourt("fiba", np.array([0], np.int32), found[None]), folder / "landmarks.csv")
    assert len(off) == len(truth.landmarks) and np.isfinite(off).sum() == len(first) >= 4
    assert off[: len(first)].max() < 0.05, "two decimals of a pixel"
    mine = PlayAgreement(evaluate_tracks(truth.visible, truth.visible), landmarks=off)
    assert mine.court_known == len(first) / len(off)
    shown = play_table(mine)
    assert "IDF1 1.000" in shown and "off by 0.0" in shown and "teams" not in shown


def test_landmarks_without_metres_are_those_of_a_left_nba_end(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    path.write_text("frame,name,x,y\n1,corner_far,0,0\n1,three_top,10,0\n1,mid_far,20,0\n2,mid_far,0,0\n")
    court = KnownCourt("nba", np.array([0], np.int32), np.eye(3)[None])
    off = landmark_errors(court, path)
    assert np.allclose(off[:3], [np.hypot(14.325, 7.62), 10 + 14.325 - 1.6 - 7.24, np.hypot(20, 7.62)])
    assert np.isnan(off[3])
    assert len(landmark_errors(court, path, {0})) == 3, "of frames that nobody analysed nothing is asked"


@pytest.mark.parametrize("line", ["one,mid_far,0,0", "1,middle_of_nowhere,0,0", "1,mid_far,left,0"])
def test_what_is_no_landmark_is_one_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "landmarks.csv"
    path.write_text(f"frame,name,x,y\n{line}\n")
    with pytest.raises(InputError, match="line 2: expected frame,name,x,y"):
        landmark_errors(KnownCourt(), path)


def test_what_is_no_event_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("time_s,event\nsoon,pass\n")
    with pytest.raises(InputError, match="expected seconds in time_s"):
        read_events(tmp_path / "events.csv")
