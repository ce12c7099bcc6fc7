"""Actions that a person set, as a timeline: the inverse of labelling boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.analysis.values import Frames
from pipeline.evaluate.actions import label_boxes
from pipeline.stages.from_file import timeline_of
from tracker.files.track_file import texts
from tracker.types import Tracks

LABELS = ("run", "ball in hand", "walk")
FRAMES = Frames(np.arange(5, 35, dtype=np.int32), np.arange(30) / 25)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.2, 0.9, 1.0]))
def test_every_box_keeps_what_was_said(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    at, player = np.nonzero(rng.random((30, 3)) < share)
    tracks = Tracks.of(at + 5, player + 1, np.tile([0, 0, 9, 9], (len(at), 1)))
    words = np.array(["", *LABELS], dtype=object)
    actions = words[rng.integers(0, 4, (11, 3))][(tracks.frame_index - 5) // 3, tracks.track_id - 1]
    timeline = timeline_of(tracks, actions, LABELS, FRAMES)
    assert label_boxes(tracks, timeline).tolist() == actions.tolist()
    assert timeline.labels == LABELS
    for s in timeline.segments:
        assert s.confidence == 1
        assert s.end_frame - s.start_frame == round((s.end - s.start) * 25)


def test_segments_end_where_the_action_changes_or_the_player_is_gone() -> None:
    tracks = Tracks.of([5, 6, 7, 9, 10, 99], [4] * 6, np.tile([0, 0, 9, 9], (6, 1)))
    timeline = timeline_of(tracks, texts(["run", "run", "walk", "walk", "", "run"]), LABELS, FRAMES)
    assert [(s.action, s.start_frame, s.end_frame, s.start, s.end) for s in timeline.segments] == [
        ("run", 5, 7, 0, 0.08), ("walk", 7, 8, 0.08, 0.12), ("walk", 9, 10, 0.16, 0.2),
    ]  # fmt: skip


def test_an_action_that_there_is_not_is_refused() -> None:
    tracks = Tracks.of([5], [4], [[0, 0, 9, 9]])
    with pytest.raises(InputError, match="'fly' is not one of run, ball in hand, walk"):
        timeline_of(tracks, texts(["fly"]), LABELS, FRAMES)
    assert timeline_of(Tracks.empty(), texts([]), LABELS, FRAMES).segments == ()
