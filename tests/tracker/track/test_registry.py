"""Every tracker by name keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest

from ground.errors import InputError
from tracker.track.registry import TRACKERS, TrackerConfig, make_tracker
from tracker.types import Detections


def _walkers(num_frames: int = 60, missing: tuple[int, ...] = ()) -> list[Detections]:
    """Three people who walk side by side, 120 pixels apart."""
    frames: list[Detections] = []
    for f in range(num_frames):
        left = np.array([100 + 3 * f, 220 + 3 * f, 340 + 3 * f], np.float32)
        boxes = np.stack([left, np.full(3, 50), left + 40, np.full(3, 150)], axis=1)
        frames.append(Detections.empty() if f in missing else Detections.of(boxes, np.full(3, 0.9)))
    return frames


@pytest.mark.parametrize("name", list(TRACKERS))
def test_people_keep_their_numbers_through_a_gap(name: str) -> None:
    tracker = make_tracker(TrackerConfig(name))
    for i, found in enumerate(_walkers(missing=(20, 21, 22))):
        tracker.update(found, i / 30)
    tracks = tracker.finish().tracks()
    assert len(tracks.ids) == 3
    for _, track in tracks.by_id():
        steps = np.diff(track.xyxy[:, 0]) / np.diff(track.frame_index)
        assert steps == pytest.approx(3, abs=0.6)


@pytest.mark.parametrize("name", list(TRACKERS))
def test_nothing_found_is_no_tracks_and_instances_share_nothing(name: str) -> None:
    empty, full = make_tracker(TrackerConfig(name)), make_tracker(TrackerConfig(name))
    for i, found in enumerate(_walkers(20)):
        empty.update(Detections.empty(), i / 30)
        full.update(found, i / 30)
    assert len(empty.finish()) == 0
    again = make_tracker(TrackerConfig(name))
    for i, found in enumerate(_walkers(20)):
        again.update(found, i / 30)
    assert again.finish().tracks().ids.tolist() == full.finish().tracks().ids.tolist()


@pytest.mark.parametrize("bad", [{"name": "x"}, {"max_age": 0}, {"min_iou": 2.0}, {"max_lost": -1}])
def test_bad_settings_are_said(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        TrackerConfig(**bad)  # type: ignore[arg-type]
