"""From overlapping clip scores to a timeline: who did what, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from classify.types import ActionScores
from ground.errors import InputError
from tracker.types import IntArray

Floats = npt.NDArray[np.float64]

MODEL, PERSON = "model", "person"
"""Who says what a player does."""
UNSURE = "unsure"
"""What a segment says where no label is likely enough; no label of any classifier."""
_PAUSE = 1.0
"""Seconds without a frame after which a recording has paused: nobody is said to have gone on with what he did."""
_BEYOND_CHANCE = 2.0
"""Times chance that a classifier's own first choice must be as likely, for other evidence to count beside it."""


@dataclass(frozen=True, slots=True)
class ActionSegment:
    """One player doing one thing; half-open in seconds and in frames."""

    track_id: int
    action: str
    start: float
    """Seconds, inclusive."""
    end: float
    """Seconds, exclusive."""
    start_frame: int
    """0-based, inclusive."""
    end_frame: int
    """0-based, exclusive."""
    confidence: float
    """0..1: mean probability of the action over the segment, all evidence in it."""
    source: str = MODEL
    """``MODEL``, or ``PERSON`` where somebody said so."""

    def __post_init__(self) -> None:
        if not (self.end > self.start and self.end_frame > self.start_frame):
            raise ValueError(f"a segment ends after it starts: {self}")


@dataclass(frozen=True, slots=True)
class Timeline:
    """What every player did, sorted by start, then by player; never overlapping within a player."""

    labels: tuple[str, ...]
    """All actions that the classifier knows, in its order."""
    segments: tuple[ActionSegment, ...]

    def __post_init__(self) -> None:
        ends: dict[int, float] = {}
        known = {*self.labels, UNSURE}
        for segment in sorted(self.segments, key=lambda s: s.start):
            if segment.action not in known:
                raise ValueError(f"{segment.action!r} is not one of the labels {self.labels}")
            if segment.start < ends.get(segment.track_id, float("-inf")) - 1e-9:
                raise ValueError(f"segments of player {segment.track_id} overlap at {segment.start:.3f} s")
            ends[segment.track_id] = segment.end


@dataclass(frozen=True, slots=True)
class TimelineConfig:
    """How scores become segments."""

    hysteresis: float = 0.25
    """Seconds for which another action must look e times as likely before the label changes. Higher: calmer."""
    min_duration: float = 0.2
    """Seconds; a shorter segment goes to its likelier neighbour."""
    min_confidence: float | None = None
    """Confidence under which a segment says ``unsure``; None: as the checkpoint says. Higher: less is said."""

    heed_speed: bool = True
    """Let the player's speed over the floor speak for standing, walking or running (see ``pipeline.stages.speed``)."""
    context: bool = True
    """Let who has the ball speak for and against dribbling, passing, shooting, ball in hand, and whose team has it for
    and against defending, blocking, setting a pick (see ``pipeline.stages.possession`` and ``sides``)."""

    def __post_init__(self) -> None:
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InputError(f"min confidence is 0 to 1, not {self.min_confidence}")
        if self.hysteresis < 0 or self.min_duration < 0:
            raise InputError("hysteresis and min duration are 0 s or more")


def join_scores(
    scores: Sequence[ActionScores],
    labels: Sequence[str],
    frame_index: IntArray,
    frame_times: Floats,
    config: TimelineConfig,
    combined: Sequence[ActionScores] | None = None,
) -> Timeline:
    """Average overlapping windows frame by frame, smooth with hysteresis, merge into segments.

    labels: action names in the order of the probabilities. frame_index, frame_times: the analysed frames, ascending,
    and when each is shown (seconds).
    combined: ``scores`` with other evidence in them, one for one; they choose the label and say how sure it is. But
    other evidence makes no answer of none: where the classifier's own first choice is not twice as likely as chance, a
    segment is no surer than that choice.
    """
    by_track: dict[int, list[int]] = {}
    for row, score in enumerate(scores):
        by_track.setdefault(score.track_id, []).append(row)
    segments: list[ActionSegment] = []
    frame_end = frame_ends(frame_times)
    for track_id, rows in by_track.items():
        windows = [scores[row] for row in rows]
        deciding = windows if combined is None else [combined[row] for row in rows]
        for bounds, plain, means in _stretches(windows, deciding, frame_times):
            durations = frame_end[bounds[1:] - 1] - frame_times[bounds[:-1]]
            path = _calm_path(means, durations, config)
            for low, high, action in _merge(path):
                a, b = bounds[low], bounds[high]
                of_label, of_classifier = (
                    float(np.average(column[low:high], weights=durations[low:high]))
                    for column in (means[:, action], plain)
                )
                start, end = float(frame_times[a]), float(frame_end[b - 1])
                frames = int(frame_index[a]), int(frame_index[b - 1]) + 1
                knows_nothing = of_classifier * len(labels) < _BEYOND_CHANCE
                confidence = min(of_label, of_classifier if knows_nothing else 1.0, 1.0)
                segments.append(ActionSegment(track_id, labels[action], start, end, *frames, confidence))
    return Timeline(tuple(labels), tuple(sorted(segments, key=lambda s: (s.start, s.track_id))))


def say_unsure(timeline: Timeline, below: float) -> Timeline:
    """``timeline`` with ``UNSURE`` where the confidence is under ``below``; neighbours that become one are joined.

    An unsure segment keeps the confidence of what it would have said.
    """
    joined: list[ActionSegment] = []
    last: dict[int, int] = {}
    for segment in timeline.segments:
        marked = segment if segment.confidence >= below else replace(segment, action=UNSURE)
        at = last.get(marked.track_id)
        if at is not None and joined[at].action == marked.action == UNSURE and _touch(joined[at], marked):
            joined[at] = _join(joined[at], marked)
        else:
            last[marked.track_id] = len(joined)
            joined.append(marked)
    return Timeline(timeline.labels, tuple(joined))


def _touch(a: ActionSegment, b: ActionSegment) -> bool:
    """Whether ``b`` begins where ``a`` ends, with no pause of the recording between."""
    return a.end_frame == b.start_frame and a.end > b.start - 1e-6


def _join(a: ActionSegment, b: ActionSegment) -> ActionSegment:
    """Two segments that touch, as one; its confidence is the mean over time."""
    seconds = a.end - a.start, b.end - b.start
    confidence = (a.confidence * seconds[0] + b.confidence * seconds[1]) / sum(seconds)
    return replace(a, end=b.end, end_frame=b.end_frame, confidence=confidence)


def frame_ends(frame_times: Floats) -> Floats:
    """When each frame stops being shown, (F,) seconds: when the next one starts.

    The last one, and one before a pause of the recording, after a usual interval.
    """
    if len(frame_times) < 2:
        return frame_times + 0.04
    steps = np.diff(frame_times)
    usual = float(np.median(steps))
    return np.append(np.where(steps > max(_PAUSE, 2 * usual), frame_times[:-1] + usual, frame_times[1:]),
                     frame_times[-1] + usual)  # fmt: skip


def _stretches(
    windows: Sequence[ActionScores], deciding: Sequence[ActionScores], frame_times: Floats
) -> list[tuple[npt.NDArray[np.intp], Floats, Floats]]:
    """Stretches of frames that windows cover without a gap, cut where a window begins or ends.

    Each: bounds (r + 1,), rows of ``frame_times``; how sure ``windows`` are there of their first choice (r,); mean
    probabilities of ``deciding`` (r, actions). Nothing here has a row per frame.
    """
    # A window starts at a frame's own time and ends a sampling step after one: less than a frame off.
    tolerance = 0.25 * float(np.median(np.diff(frame_times))) if len(frame_times) > 1 else 0.0
    first = np.searchsorted(frame_times, [w.start - tolerance for w in windows])
    last = np.searchsorted(frame_times, [w.end - tolerance for w in windows])
    bounds = np.unique(np.concatenate([first, last]))
    opens, closes = np.searchsorted(bounds, first), np.searchsorted(bounds, last)
    size = len(bounds)
    counts = np.cumsum(np.bincount(opens, minlength=size) - np.bincount(closes, minlength=size))[:-1]
    means = _means(deciding, opens, closes, counts)
    sureness = (means if deciding is windows else _means(windows, opens, closes, counts)).max(axis=1, initial=0.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], counts > 0, [False]]).astype(np.int8)))
    paused = np.flatnonzero(_after_pause(bounds, frame_times))
    spans = [span for a, b in edges.reshape(-1, 2) for span in pairwise([a, *paused[(paused > a) & (paused < b)], b])]
    return [(bounds[a : b + 1].astype(np.intp), sureness[a:b], means[a:b]) for a, b in spans]


def _after_pause(bounds: npt.NDArray[np.intp], frame_times: Floats) -> npt.NDArray[np.bool_]:
    """Which of ``bounds``, rows of ``frame_times``, are the first ones after a pause of the recording."""
    ends = frame_ends(frame_times)
    inside = (bounds > 0) & (bounds < len(frame_times))
    rows = np.where(inside, bounds, 1) if len(frame_times) > 1 else np.zeros_like(bounds)
    return inside & (ends[rows - 1] < frame_times[rows] - 1e-6)


def _means(
    windows: Sequence[ActionScores],
    opens: npt.NDArray[np.intp],
    closes: npt.NDArray[np.intp],
    counts: npt.NDArray[np.intp],
) -> Floats:
    """Mean probabilities (r, actions) between bounds, of the windows that are open there."""
    sums = np.zeros((len(counts) + 1, len(windows[0].probabilities)))
    # Each window is added where it starts and taken away where it ends; the running sum is what is open.
    for a, b, window in zip(opens, closes, windows, strict=True):
        sums[a] += window.probabilities
        sums[b] -= window.probabilities
    np.cumsum(sums, axis=0, out=sums)
    return np.maximum(sums[:-1], 0.0) / np.maximum(counts, 1)[:, None]


def _calm_path(means: Floats, durations: Floats, config: TimelineConfig) -> npt.NDArray[np.intp]:
    """The likeliest label of each run when every change of label costs ``hysteresis`` (Viterbi's algorithm).

    Hysteresis over the whole stretch and not only from the past: a label changes only where the evidence for the new
    one, summed over the time it lasts, outweighs the cost.
    """
    best = np.zeros(means.shape[1])
    champions, switched = np.zeros(len(means), np.intp), np.zeros(means.shape, np.bool_)
    for i, (row, seconds) in enumerate(zip(means, durations, strict=True)):
        if i:
            champions[i] = best.argmax()
            changed = best[champions[i]] - config.hysteresis
            switched[i] = changed > best
            best = np.maximum(best, changed)
        best = best + np.log(np.maximum(row, 1e-3)) * seconds
    path = np.zeros(len(means), np.intp)
    path[-1] = int(best.argmax())
    for i in range(len(means) - 1, 0, -1):
        path[i - 1] = champions[i] if switched[i, path[i]] else path[i]
    return _drop_short(path, means, durations, config.min_duration)


def _drop_short(
    path: npt.NDArray[np.intp], means: Floats, durations: Floats, min_duration: float
) -> npt.NDArray[np.intp]:
    """Give segments shorter than ``min_duration`` the label of the likelier neighbour, shortest first."""
    while True:
        segments = _merge(path)
        lengths = [float(durations[a:b].sum()) for a, b, _ in segments]
        shortest = int(np.argmin(lengths))
        if len(segments) == 1 or lengths[shortest] >= min_duration:
            return path
        a, b, _ = segments[shortest]
        neighbours = [segments[i][2] for i in (shortest - 1, shortest + 1) if 0 <= i < len(segments)]
        evidence = (means[a:b] * durations[a:b, None]).sum(0)
        path = path.copy()
        path[a:b] = max(neighbours, key=lambda action: evidence[action])


def _merge(path: npt.NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Runs of one label: first, last (exclusive), label."""
    changes = np.flatnonzero(np.diff(path)) + 1
    bounds = [0, *changes.tolist(), len(path)]
    return [(a, b, int(path[a])) for a, b in pairwise(bounds)]
