"""The join: what the classifier says and what speed says, and when neither is enough to say anything."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.types import ACTIONS, ActionScores
from pipeline.analysis.timeline import UNSURE, TimelineConfig, join_scores
from pipeline.analysis.values import Frames, Scores
from pipeline.stages.label import join
from pipeline.stages.speed import WORTH_SAYING, combine_with_speed
from tracker.types import Tracks

_FRAMES, _SIZE, _HEIGHT = 50, (640, 360), 80.0


def _frames(*cuts: int) -> Frames:
    index = np.arange(_FRAMES, dtype=np.int32)
    return Frames(index, index / 25, np.zeros((_FRAMES, 2)), np.ones(_FRAMES), np.isin(index, cuts))


def _track(speed: float) -> Tracks:
    """Somebody who goes to the right at ``speed`` heights per second."""
    x = 50 + speed * _HEIGHT * np.arange(_FRAMES) / 25
    boxes = np.column_stack([x, np.full(_FRAMES, 100), x + 30, np.full(_FRAMES, 100 + _HEIGHT)])
    return Tracks.of(np.arange(_FRAMES), np.ones(_FRAMES), boxes)


def _scores(probabilities: np.ndarray) -> Scores:
    p = np.asarray(probabilities, np.float32)
    return Scores(tuple(ActionScores(1, i * 8 / 25, (i * 8 + 16) / 25, p / p.sum()) for i in range(5)))


@pytest.mark.slow
@settings(deadline=None)
@given(st.floats(0, 6))
def test_speed_makes_no_answer_of_none(speed: float) -> None:
    """A classifier to whom all labels are the same is unsure, however clearly a player runs or stands."""
    even = _scores(np.ones(10))
    timeline = join(even, ACTIONS, 0.2, _track(speed), _frames(), _SIZE, TimelineConfig())
    assert {s.action for s in timeline.segments} == {UNSURE}
    always = join(even, ACTIONS, 0.2, _track(speed), _frames(), _SIZE, TimelineConfig(min_confidence=0))
    assert UNSURE not in {s.action for s in always.segments}


@pytest.mark.parametrize(("speed", "gait"), [(0.0, "no_action"), (2.0, "run")])
def test_speed_chooses_among_what_the_classifier_holds_possible(speed: float, gait: str) -> None:
    p = np.full(10, 0.02)
    p[[ACTIONS.index("no_action"), ACTIONS.index("run")]] = 0.42
    timeline = join(_scores(p), ACTIONS, 0.3, _track(speed), _frames(), _SIZE, TimelineConfig())
    assert {s.action for s in timeline.segments} == {gait}
    assert min(s.confidence for s in timeline.segments) > 0.42, "and makes it surer"


@settings(deadline=None)
@given(st.floats(0, 6), st.lists(st.floats(0.01, 1), min_size=10, max_size=10), st.floats(0, 1))
def test_the_threshold_is_applied_to_what_is_shown(speed: float, weights: list[float], below: float) -> None:
    """And a classifier whose first choice is hardly likelier than chance is never made sure."""
    scores, frames, track = _scores(np.array(weights)), _frames(), _track(speed)
    top = max(weights) / sum(weights)
    timeline = join(scores, ACTIONS, below, track, frames, _SIZE, TimelineConfig())
    assert all((s.action == UNSURE) == (s.confidence < max(below, WORTH_SAYING)) for s in timeline.segments)
    if top < 0.2 - 1e-5:
        assert {s.action for s in timeline.segments} == {UNSURE}
    plain = join(scores, ACTIONS, below, track, frames, _SIZE, TimelineConfig(heed_speed=False))
    assert all((s.action == UNSURE) == (s.confidence < below) for s in plain.segments)


def test_the_scores_stay_as_the_classifier_gave_them() -> None:
    scores = _scores(np.arange(1, 11))
    before = [s.probabilities.copy() for s in scores.windows]
    with_speed = join(scores, ACTIONS, 0, _track(2.0), _frames(), _SIZE, TimelineConfig())
    without = join(scores, ACTIONS, 0, _track(2.0), _frames(), _SIZE, TimelineConfig(heed_speed=False))
    assert all(np.array_equal(a, s.probabilities) for a, s in zip(before, scores.windows, strict=True))
    assert with_speed != without, "and another join of the same scores gives another timeline"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_frames_and_runs_are_averaged_alike(seed: int) -> None:
    """The joined confidence of each segment against a mean taken frame by frame."""
    rng = np.random.default_rng(seed)
    times = np.arange(_FRAMES) / 25
    windows = [
        ActionScores(1, times[a], times[a] + 16 / 25, rng.dirichlet(np.ones(3)).astype(np.float32))
        for a in sorted(rng.integers(0, _FRAMES - 16, 6).tolist())
    ]
    combined = [dataclasses.replace(w, probabilities=rng.dirichlet(np.ones(3)).astype(np.float32)) for w in windows]
    calm = TimelineConfig(hysteresis=0, min_duration=0)
    for segment in join_scores(windows, "abc", np.arange(_FRAMES, dtype=np.int32), times, calm, combined).segments:
        of_label, plain = [], []
        for f in range(segment.start_frame, segment.end_frame):
            there = [i for i, w in enumerate(windows) if w.start - 0.01 <= times[f] < w.end - 0.01]
            mean = np.mean([combined[i].probabilities for i in there], axis=0)
            assert "abc"[int(mean.argmax())] == segment.action
            of_label.append(mean.max())
            plain.append(np.mean([windows[i].probabilities for i in there], axis=0).max())
        expected = np.mean(of_label) if np.mean(plain) >= 2 / 3 else min(np.mean(of_label), np.mean(plain))
        assert segment.confidence == pytest.approx(expected, abs=1e-6)


def test_memory_of_the_join_goes_with_windows_and_not_with_frames() -> None:
    """400 labels of a long video: about what the scores themselves take."""
    import tracemalloc

    rng = np.random.default_rng(0)
    scores = [ActionScores(1, t, t + 16 / 15, rng.dirichlet(np.ones(400)).astype(np.float32)) for t in np.arange(300)]
    labels = [f"label {i}" for i in range(400)]
    peaks: list[int] = []
    for rate in (10, 100):
        index = np.arange(301 * rate, dtype=np.int32)
        tracemalloc.start()
        join_scores(scores, labels, index, index / rate, TimelineConfig())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] and peaks[1] < 16 * 300 * 400 * 4, peaks


def test_nothing_is_known_of_speed_over_a_cut() -> None:
    scores, track = _scores(np.ones(10)), _track(1.5)
    combined = combine_with_speed(scores.windows, ACTIONS, track, _frames(), _SIZE)
    in_shots = combine_with_speed(scores.windows, ACTIONS, track, _frames(*range(0, _FRAMES, 2)), _SIZE)
    assert ACTIONS[int(combined[0].probabilities.argmax())] == "run"
    assert np.array_equal(in_shots[0].probabilities, scores.windows[0].probabilities)
