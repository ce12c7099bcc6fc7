"""What trackers give: nothing is lost by cutting, and missing frames are shown as empty ones."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.track.registry import TRACKERS, TrackerConfig, make_tracker
from tracker.track.sort import Sort
from tracker.track.tracklets import follow
from tracker.types import Detections


@settings(max_examples=40)
@given(st.sampled_from(list(TRACKERS)), st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 9))
def test_tracklets_hold_every_box_of_the_tracks_and_lie_within_one(name: str, counts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = [rng.uniform(0, 300, (count, 2)) for count in counts]
    shown = {f: Detections.of(np.concatenate([c, c + np.array([30, 80])], axis=1)) for f, c in enumerate(corners)}
    found = follow(make_tracker(TrackerConfig(name)), shown, 25)
    assert (np.diff(found.tracklet) >= 0).all() and (np.diff(found.tracklet, prepend=-1) <= 1).all()
    for first, last in zip(found.first, found.last, strict=True):
        assert len(set(found.track[first : last + 1])) == len(set(found.shot[first : last + 1])) == 1
        assert (np.diff(found.frame[first : last + 1]) > 0).all()
    assert len(found.tracks()) == found.confirmed.sum()
    kept = found.without_glimpses()
    assert kept.without_glimpses() is kept
    assert set(kept.track) == {t for t in set(found.track) if (found.track == t).sum() >= 3}


def test_follow_shows_missing_frames_as_empty_ones() -> None:
    box = Detections.of([[10, 10, 50, 110]])
    seen = follow(Sort(min_hits=0), dict.fromkeys((2, 3, 4, 7, 8), box)).tracks()
    assert seen.frame_index.tolist() == [2, 3, 4, 7, 8]
    assert seen.track_id.tolist() == [1, 1, 1, 2, 2]
    assert len(follow(Sort(), {})) == 0


@pytest.mark.slow
def test_a_gap_of_two_thousand_million_frames_costs_neither_time_nor_memory() -> None:
    box = Detections.of([[10, 10, 50, 110]])
    frames = [0, 1, 2, 2_000_000_000, 2_000_000_001]
    tracemalloc.start()
    seen = follow(Sort(min_hits=0, max_age=30), dict.fromkeys(frames, box)).tracks()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen.frame_index.tolist() == frames
    assert seen.track_id.tolist() == [1, 1, 1, 2, 2]
    assert peak < 5e6
