"""One whole timeline, kept: tracking, windows and joining of a game; detections and scores are made from its truth.

Nothing here depends on weights or on the machine. After a change that is meant to change it: `make golden`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from classify.types import ACTIONS, ActionScores
from pipeline.analysis.timeline import Timeline, TimelineConfig, join_scores
from pipeline.outputs.table import write_timeline_csv
from pipeline.stages.windows import WindowConfig, plan_windows
from pipeline.synthetic.game import SyntheticGame
from tracker.boxes import iou
from tracker.players.smoothing import smooth_tracks
from tracker.track.linking import link
from tracker.track.registry import TrackerConfig, make_tracker
from tracker.types import Detections

_GOLDEN = Path(__file__).with_name("golden_timeline.csv")


def _timeline() -> Timeline:
    game = SyntheticGame(seed=11, seconds=4)
    truth, rng = game.truth, np.random.default_rng(0)
    index, times = np.arange(game.num_frames, dtype=np.int32), np.arange(game.num_frames) / 30
    tracker = make_tracker(TrackerConfig())
    for f in index:
        boxes = truth.tracks.at(int(f)).xyxy
        found = rng.random(len(boxes)) > 0.05
        tracker.update(Detections.of((boxes + rng.normal(0, 1, boxes.shape))[found]), float(times[f]))
    tracks = smooth_tracks(link(tracker.finish()), times)
    plan = plan_windows(tracks, index, times, WindowConfig())
    scores: list[ActionScores] = []
    for row in np.flatnonzero(np.isfinite(plan.window_start)):
        rows = np.flatnonzero(truth.tracks.frame_index == plan.frame_index[row])
        overlap = iou(plan.xyxy[row][None].astype(np.float64), truth.tracks.xyxy[rows].astype(np.float64))[0]
        probabilities = np.full(len(ACTIONS), 0.04, np.float32)
        probabilities[truth.actions[rows[overlap.argmax()]]] += 0.6
        window = float(plan.window_start[row]), float(plan.window_end[row])
        scores.append(ActionScores(int(plan.track_id[row]), *window, probabilities))
    return join_scores(scores, ACTIONS, index, times, TimelineConfig())


@pytest.mark.slow
def test_the_timeline_is_the_one_that_was_kept(tmp_path: Path) -> None:
    target = _GOLDEN if os.environ.get("COURTSCRIBE_WRITE_GOLDEN") else tmp_path / "timeline.csv"
    write_timeline_csv(_timeline(), {}, target)
    assert target.read_text() == _GOLDEN.read_text()
    assert len(target.read_text().splitlines()) > 10
