"""How good an analysis is against a known truth: are the labels right where the boxes are?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.timeline import Timeline
from tracker.association import assign
from tracker.boxes import iou
from tracker.types import Tracks


@dataclass(frozen=True, slots=True)
class ActionAgreement:
    """Labels of an analysis against the truth, counted over boxes."""

    num_boxes: int
    """Boxes of the truth that carry a label."""
    num_compared: int
    """Of these, boxes that the analysis has a player and a label for."""
    accuracy: float
    """Right labels among the compared boxes, 0..1."""
    macro_f1: float
    """Mean F1 over the actions that the truth has, 0..1."""


def compare_actions(
    truth: Tracks, actions: Sequence[str | None], tracks: Tracks, timeline: Timeline, min_iou: float = 0.5
) -> ActionAgreement:
    """Compare the labels of ``timeline`` with ``actions``, box by box.

    actions: one per row of ``truth``; None where the truth does not say. A box of the analysis belongs to the box of
    the truth that it overlaps most, one to one within a frame.
    """
    wanted = np.array([action or "" for action in actions])
    given = np.full(len(truth), "", dtype=object)
    shown = label_boxes(tracks, timeline)
    for frame in np.unique(truth.frame_index):
        mine, theirs = _rows(truth, int(frame)), _rows(tracks, int(frame))
        overlap = iou(truth.xyxy[mine].astype(np.float64), tracks.xyxy[theirs].astype(np.float64))
        rows, columns = assign(overlap, min_iou)
        given[mine[rows]] = shown[theirs[columns]]
    labelled = wanted != ""
    compared = labelled & (given != "")
    right = float((wanted[compared] == given[compared]).mean()) if compared.any() else 0.0
    return ActionAgreement(
        int(labelled.sum()), int(compared.sum()), right, _macro_f1(wanted[compared], given[compared])
    )


def label_boxes(tracks: Tracks, timeline: Timeline) -> npt.NDArray[np.object_]:
    """The action shown at each box: object (N,), empty where there is none."""
    shown = np.full(len(tracks), "", dtype=object)
    for segment in timeline.segments:
        low, high = np.searchsorted(tracks.frame_index, [segment.start_frame, segment.end_frame])
        rows = np.flatnonzero(tracks.track_id[low:high] == segment.track_id) + low
        shown[rows] = segment.action
    return shown


def _rows(tracks: Tracks, frame: int) -> npt.NDArray[np.intp]:
    low, high = np.searchsorted(tracks.frame_index, [frame, frame + 1])
    return np.arange(low, high)


def _macro_f1(wanted: npt.NDArray[np.generic], given: npt.NDArray[np.object_]) -> float:
    scores: list[float] = []
    for action in np.unique(wanted):
        right = float(((wanted == action) & (given == action)).sum())
        total = float((wanted == action).sum() + (given == action).sum())
        scores.append(2 * right / total if total else 0.0)
    return float(np.mean(scores)) if scores else 0.0
