"""A timeline never overlaps, never flickers, and says what the scores say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.types import ActionScores
from ground.errors import InputError
from pipeline.analysis.timeline import UNSURE, ActionSegment, Timeline, TimelineConfig, join_scores, say_unsure

_LABELS = ("run", "walk", "shoot")
_RATE = 25.0


def _windows(actions: list[int], sure: float = 0.9, stride: int = 8, track_id: int = 1) -> list[ActionScores]:
    """One window per entry, ``stride`` frames apart, each sure of its action."""
    rest = (1 - sure) / (len(_LABELS) - 1)
    scores: list[ActionScores] = []
    for i, action in enumerate(actions):
        p = np.full(len(_LABELS), rest, np.float32)
        p[action] = sure
        scores.append(ActionScores(track_id, i * stride / _RATE, (i * stride + 16) / _RATE, p))
    return scores


def _join(scores: list[ActionScores], num_frames: int = 1000, config: TimelineConfig | None = None) -> Timeline:
    index = np.arange(num_frames, dtype=np.int32)
    return join_scores(scores, _LABELS, index, index / _RATE, config or TimelineConfig())


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 60), st.integers(0, 2), st.floats(0.34, 1.0)),
        min_size=1,
        max_size=40,
    )
)
def test_segments_never_overlap_and_cover_what_windows_cover(rows: list[tuple[int, int, int, float]]) -> None:
    scores: list[ActionScores] = []
    for track_id, start, action, sure in rows:
        p = np.full(3, (1 - sure) / 2, np.float32)
        p[action] = sure
        scores.append(ActionScores(track_id, start / _RATE, (start + 16) / _RATE, p))
    timeline = _join(scores, 100)  # Timeline itself refuses overlaps
    for track_id in {s.track_id for s in scores}:
        covered = {
            f for s in scores if s.track_id == track_id for f in range(round(s.start * _RATE), round(s.end * _RATE))
        }
        shown = [f for s in timeline.segments if s.track_id == track_id for f in range(s.start_frame, s.end_frame)]
        assert sorted(covered) == sorted(shown)
        for a, b in pairwise(timeline.segments):
            assert (a.start, a.track_id) <= (b.start, b.track_id)
    for segment in timeline.segments:
        assert 0 < segment.confidence <= 1
        assert segment.start == pytest.approx(segment.start_frame / _RATE)
        assert segment.end == pytest.approx(segment.end_frame / _RATE)


def test_a_change_is_found_where_it_is() -> None:
    timeline = _join(_windows([0] * 8 + [1] * 8))
    assert [s.action for s in timeline.segments] == ["run", "walk"]
    # The last run window covers frames 56..72, the first walk window 64..80.
    assert 60 <= timeline.segments[0].end_frame <= 76


def test_one_odd_window_does_not_flicker_and_a_lasting_one_stays() -> None:
    calm = _join(_windows([0] * 6 + [1] + [0] * 6, sure=0.6))
    assert [s.action for s in calm.segments] == ["run"]
    real = _join(_windows([0] * 6 + [2] * 3 + [0] * 6, sure=0.9))
    assert [s.action for s in real.segments] == ["run", "shoot", "run"]


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=2, max_size=30), st.floats(0.0, 1.0))
def test_more_hysteresis_never_gives_more_segments(actions: list[int], hysteresis: float) -> None:
    few = _join(_windows(actions), config=TimelineConfig(hysteresis=hysteresis + 0.5, min_duration=0))
    many = _join(_windows(actions), config=TimelineConfig(hysteresis=hysteresis, min_duration=0))
    assert len(few.segments) <= len(many.segments)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=30))
def test_no_segment_is_shorter_than_allowed(actions: list[int]) -> None:
    timeline = _join(_windows(actions), config=TimelineConfig(hysteresis=0, min_duration=0.5))
    assert all(s.end - s.start >= 0.5 - 1e-9 for s in timeline.segments)


def test_a_gap_between_windows_parts_segments() -> None:
    timeline = _join([*_windows([0]), ActionScores(1, 4.0, 4.64, _windows([0])[0].probabilities)])
    assert [(s.start_frame, s.end_frame) for s in timeline.segments] == [(0, 16), (100, 116)]


def test_overlapping_segments_are_refused() -> None:
    a = ActionSegment(1, "run", 0.0, 1.0, 0, 25, 0.5)
    b = ActionSegment(1, "walk", 0.5, 1.5, 12, 37, 0.5)
    with pytest.raises(ValueError, match="overlap"):
        Timeline(_LABELS, (a, b))
    with pytest.raises(InputError):
        TimelineConfig(hysteresis=-1)


def test_no_scores_give_no_segments() -> None:
    assert _join([]).segments == ()


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0.34, 1.0)), min_size=1, max_size=30), st.floats(0, 1))
def test_unsure_where_no_label_is_likely_enough_and_nowhere_else(rows: list[tuple[int, float]], below: float) -> None:
    scores = [s for i, (action, sure) in enumerate(rows) for s in _windows([action], sure)]
    scores = [ActionScores(1, i * 0.32, i * 0.32 + 0.64, s.probabilities) for i, s in enumerate(scores)]
    before = _join(scores)
    after = say_unsure(before, below)
    shown = {f: (s.action, s.confidence) for s in after.segments for f in range(s.start_frame, s.end_frame)}
    for segment in before.segments:
        for frame in range(segment.start_frame, segment.end_frame):
            expected = segment.action if segment.confidence >= below else UNSURE
            assert shown.pop(frame)[0] == expected
    assert not shown
    for a, b in pairwise(after.segments):
        assert a.end_frame < b.start_frame or not a.action == b.action == UNSURE, "unsure neighbours are one"
    assert all(s.action != UNSURE or s.confidence < below + 1e-9 for s in after.segments)


def test_unsure_settings() -> None:
    with pytest.raises(InputError, match="min confidence is 0 to 1"):
        TimelineConfig(min_confidence=1.5)


def test_nobody_goes_on_through_a_pause_of_the_recording() -> None:
    times = np.concatenate([np.arange(40) / 25, 3600 + np.arange(40) / 25])
    index = np.arange(80, dtype=np.int32)
    scores = [
        ActionScores(1, float(times[a]), float(times[b] + 0.04), np.array([0.9, 0.1], np.float32))
        for first in (0, 40)
        for a, b in ((first, first + 15), (first + 8, first + 23), (first + 24, first + 39))
    ]
    found = join_scores(scores, ("walk", "run"), index, times, TimelineConfig())
    for timeline in (found, say_unsure(found, 0.99)):
        spans = [(s.start, s.end, s.start_frame, s.end_frame) for s in timeline.segments]
        assert spans == [(0.0, pytest.approx(1.6), 0, 40), (3600.0, pytest.approx(3601.6), 40, 80)]
