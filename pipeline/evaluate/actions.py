"""How good an analysis is against a known truth: are the labels right where the players are, and the segments too?

Segment F1: Lea et al., Temporal Convolutional Networks for Action Segmentation and Detection, CVPR 2017, as MS-TCN
reports it (Farha and Gall, CVPR 2019). A segment is right when it overlaps a true one of the same action, not yet
taken, by so much of their union; flicker costs more there than in frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt

from classify.evaluate.metrics import MIN_GROUPS, ClassScore, Interval, Ints, Report, bootstrap, score
from pipeline.analysis.timeline import Timeline
from tracker.assignment import assign
from tracker.boxes import iou
from tracker.types import BoolArray, IntArray, Tracks

SEGMENT_IOUS = (0.1, 0.25, 0.5)
"""Overlaps from which a segment counts as found."""

_UNKNOWN: Interval = (nan, nan)

Texts = npt.NDArray[np.object_]
"""object (F,) of str: an action per frame, empty where there is none."""


@dataclass(frozen=True, slots=True)
class ActionAgreement:
    """Labels of an analysis against the truth, counted over boxes (one player in one frame)."""

    num_boxes: int
    """Boxes of the truth that carry a label."""
    num_compared: int
    """Of these, boxes that the analysis has a player and a label for."""
    accuracy: float
    """Right labels among the compared boxes, 0..1."""
    balanced_accuracy: float
    """Mean recall of the actions that the truth has, over the compared boxes, 0..1."""
    macro_f1: float
    """Mean F1 of the actions that the truth has, over the compared boxes, 0..1."""
    segment_f1: Mapping[float, float]
    """F1 of segments by the overlap that they need, 0..1."""
    kappa: float
    """Cohen's kappa over the compared boxes: agreement beyond chance, -1..1; NaN where chance alone gives it."""
    per_class: Mapping[str, ClassScore]
    """Each action that the truth has, over the compared boxes."""
    kappa_ci95: Interval = _UNKNOWN
    """The 95 % interval of kappa, by resampling true segments, as boxes of one are alike; NaN where they are too few,
    and in a player's own."""
    per_player: Mapping[int, ActionAgreement] = field(default_factory=dict[int, "ActionAgreement"])
    """The same for each player of the truth; empty in a player's own."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        content = asdict(self)
        content["kappa"] = None if isnan(self.kappa) else self.kappa
        content["kappa_ci95"] = None if isnan(self.kappa_ci95[0]) else list(self.kappa_ci95)
        content["per_player"] = {str(player): own.to_json() for player, own in self.per_player.items()}
        content["segment_f1"] = {str(overlap): f1 for overlap, f1 in self.segment_f1.items()}
        return content


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFrames:
    """One player, frame by frame, without gaps."""

    wanted: Texts
    """What the truth says."""
    given: Texts
    """What the analysis says."""


def compare_actions(
    truth: Tracks, actions: Sequence[str | None], tracks: Tracks, timeline: Timeline, min_iou: float = 0.5
) -> ActionAgreement:
    """Compare the labels of ``timeline`` with ``actions``, box by box; see ``match_boxes``."""
    return agree(match_boxes(truth, actions, tracks, timeline, min_iou))


def match_boxes(
    truth: Tracks, actions: Sequence[str | None], tracks: Tracks, timeline: Timeline, min_iou: float = 0.5
) -> dict[int, LabelledFrames]:
    """What each player of the truth does, and what the analysis says that he does.

    actions: one per row of ``truth``; None where the truth does not say. A box of the analysis belongs to the box of
    the truth that it overlaps most, one to one within a frame.
    """
    wanted = np.array([action or "" for action in actions], dtype=object)
    given = np.full(len(truth), "", dtype=object)
    shown = label_boxes(tracks, timeline)
    for frame in np.unique(truth.frame_index):
        mine, theirs = _rows(truth, int(frame)), _rows(tracks, int(frame))
        overlap = iou(truth.xyxy[mine].astype(np.float64), tracks.xyxy[theirs].astype(np.float64))
        rows, columns = assign(overlap, min_iou)
        given[mine[rows]] = shown[theirs[columns]]
    return {int(player): _by_frame(truth, wanted, given, int(player)) for player in truth.ids}


def match_timelines(truth: Timeline, timeline: Timeline, frame_index: IntArray) -> dict[int, LabelledFrames]:
    """What each player of a true timeline does, and what a timeline of the same players says, in ``frame_index``."""
    players, timeline = {segment.track_id for segment in truth.segments}, _without_unsure(timeline)
    analysed = np.zeros(int(frame_index.max(initial=-1)) + 1, np.bool_)
    analysed[frame_index] = True
    return {
        player: LabelledFrames(_labels(truth, player, analysed), _labels(timeline, player, analysed))
        for player in players
    }


def agree(players: Mapping[int, LabelledFrames]) -> ActionAgreement:
    """The agreement of all ``players`` together, and of each; counts are pooled, not means of players."""
    each = {player: _agreement([frames]) for player, frames in sorted(players.items())}
    together = _agreement(list(players.values()))
    return replace(together, per_player=each, kappa_ci95=_kappa_interval(list(players.values())))


def label_boxes(tracks: Tracks, timeline: Timeline) -> Texts:
    """The action shown at each box: object (N,), empty where there is none or it is none of the labels."""
    shown = np.full(len(tracks), "", dtype=object)
    for segment in _without_unsure(timeline).segments:
        low, high = np.searchsorted(tracks.frame_index, [segment.start_frame, segment.end_frame])
        rows = np.flatnonzero(tracks.track_id[low:high] == segment.track_id) + low
        shown[rows] = segment.action
    return shown


def segment_counts(frames: LabelledFrames, min_iou: float) -> tuple[int, int, int]:
    """Segments that are right, segments that are wrong, and true segments that were not found.

    Where the truth says nothing, nothing is asked of the analysis: its segments are cut there.
    """
    asked = frames.wanted != ""
    true, found = segments_of(frames.wanted), segments_of(np.where(asked, frames.given, ""))
    taken = np.zeros(len(true), np.bool_)
    for start, end, action in found:
        overlaps = [_overlap((start, end), (a, b)) if action == other else 0.0 for a, b, other in true]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= min_iou:  # the second to find it adds nothing and is wrong
            taken[best] = True
    right = int(taken.sum())
    return right, len(found) - right, len(true) - right


def _agreement(players: Sequence[LabelledFrames]) -> ActionAgreement:
    wanted, given = _joined(players)
    labelled = wanted != ""
    compared = labelled & (given != "")
    wanted, given = wanted[compared], given[compared]
    counts = {overlap: [segment_counts(frames, overlap) for frames in players] for overlap in SEGMENT_IOUS}
    report = _score(wanted, given)
    return ActionAgreement(
        num_boxes=int(labelled.sum()),
        num_compared=len(wanted),
        accuracy=report.accuracy if report else 0.0,
        balanced_accuracy=report.balanced_accuracy if report else 0.0,
        macro_f1=report.macro_f1 if report else 0.0,
        segment_f1={overlap: _f1(*np.sum(rows, axis=0).tolist()) for overlap, rows in counts.items() if rows},
        kappa=report.kappa if report else float("nan"),
        per_class={action: own for action, own in report.per_class.items() if own.support} if report else {},
    )


def _score(wanted: Texts, given: Texts) -> Report | None:
    return score(*_numbered(wanted, given)) if len(wanted) else None


def _kappa_interval(players: Sequence[LabelledFrames]) -> Interval:
    """By drawing true segments: drawing boxes would make it too narrow."""
    wanted, given = _joined(players)
    compared = (wanted != "") & (given != "")
    segments = _segment_numbers(players)[compared]
    if len(np.unique(segments)) < MIN_GROUPS:
        return _UNKNOWN
    truth, answers, labels = _numbered(wanted[compared], given[compared])
    return bootstrap(truth, answers, len(labels), segments.tolist()).kappa


def _joined(players: Sequence[LabelledFrames]) -> tuple[Texts, Texts]:
    """What is wanted and what is given, one player after another."""
    none = np.zeros(0, dtype=object)
    wanted = np.concatenate([none, *(frames.wanted for frames in players)])
    return wanted, np.concatenate([none, *(frames.given for frames in players)])


def _numbered(wanted: Texts, given: Texts) -> tuple[Ints, Ints, tuple[str, ...]]:
    names, numbers = np.unique(np.concatenate([wanted, given]).astype(np.str_), return_inverse=True)
    return numbers[: len(wanted)], numbers[len(wanted) :], tuple(names.tolist())


def _segment_numbers(players: Sequence[LabelledFrames]) -> IntArray:
    """Which true segment each frame of ``players``, one after another, lies in: a new number where the action ends."""
    changes = [np.append(True, frames.wanted[1:] != frames.wanted[:-1])[: len(frames.wanted)] for frames in players]
    return np.cumsum(np.concatenate([np.zeros(0, np.bool_), *changes]), dtype=np.int32)


def _f1(right: int, wrong: int, missed: int) -> float:
    return 2 * right / (2 * right + wrong + missed) if right else 0.0


def segments_of(labels: Texts) -> list[tuple[int, int, str]]:
    """Runs of one action: first frame, last (exclusive), action; runs of nothing are left out."""
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    bounds = [0, *changes.tolist(), len(labels)]
    return [(a, b, labels[a]) for a, b in pairwise(bounds) if b > a and labels[a]]


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Shared frames over frames in either."""
    shared = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)


def _by_frame(truth: Tracks, wanted: Texts, given: Texts, player: int) -> LabelledFrames:
    rows = np.flatnonzero(truth.track_id == player)
    place = truth.frame_index[rows] - truth.frame_index[rows].min()
    dense = [np.full(int(place.max()) + 1, "", dtype=object) for _ in range(2)]
    for filled, labels in zip(dense, (wanted, given), strict=True):
        filled[place] = labels[rows]
    return LabelledFrames(dense[0], dense[1])


def _without_unsure(timeline: Timeline) -> Timeline:
    """Segments that say something: an action that is none of the classifier's labels is no answer."""
    return replace(timeline, segments=tuple(s for s in timeline.segments if s.action in timeline.labels))


def _labels(timeline: Timeline, player: int, analysed: BoolArray) -> Texts:
    labels = np.full(len(analysed), "", dtype=object)
    for segment in timeline.segments:
        if segment.track_id == player:
            labels[segment.start_frame : segment.end_frame] = segment.action
    return np.where(analysed, labels, "")


def _rows(tracks: Tracks, frame: int) -> npt.NDArray[np.intp]:
    low, high = np.searchsorted(tracks.frame_index, [frame, frame + 1])
    return np.arange(low, high)
