"""Agreement of labels: perfect for the truth itself, and counted only where there is something to compare."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluate import compare_actions, label_boxes
from pipeline.timeline import ActionSegment, Timeline
from tracker.types import Tracks

_LABELS = ("run", "walk")


def _scene() -> tuple[Tracks, list[str | None], Timeline]:
    boxes = np.array([[0, 0, 10, 20], [50, 0, 60, 20]] * 10, np.float32)
    truth = Tracks.of(np.repeat(np.arange(10), 2), np.tile([1, 2], 10), boxes)
    actions: list[str | None] = ["run" if i % 2 == 0 else "walk" for i in range(20)]
    segments = (ActionSegment(7, "run", 0, 1, 0, 10, 1), ActionSegment(8, "walk", 0, 1, 0, 10, 1))
    return truth, actions, Timeline(_LABELS, segments)


def test_the_truth_agrees_with_itself_whatever_the_numbers() -> None:
    truth, actions, timeline = _scene()
    tracks = Tracks.of(truth.frame_index, np.where(truth.track_id == 1, 7, 8), truth.xyxy)
    agreement = compare_actions(truth, actions, tracks, timeline)
    assert (agreement.num_boxes, agreement.num_compared) == (20, 20)
    assert agreement.accuracy == agreement.macro_f1 == 1.0


def test_wrong_missing_and_unknown_labels_count_as_they_should() -> None:
    truth, actions, timeline = _scene()
    swapped = Tracks.of(truth.frame_index, np.where(truth.track_id == 1, 8, 7), truth.xyxy)
    assert compare_actions(truth, actions, swapped, timeline).accuracy == 0.0
    one = Tracks.of(truth.frame_index, np.where(truth.track_id == 1, 7, 8), truth.xyxy)
    agreement = compare_actions(truth, [None, *actions[1:]], one[one.track_id == 7], timeline)
    assert (agreement.num_boxes, agreement.num_compared) == (19, 9)
    assert compare_actions(truth, actions, Tracks.empty(), timeline).num_compared == 0


def test_boxes_outside_every_segment_have_no_label() -> None:
    truth, _, timeline = _scene()
    tracks = Tracks.of(truth.frame_index + 5, np.where(truth.track_id == 1, 7, 3), truth.xyxy)
    assert label_boxes(tracks, timeline).tolist() == ["", "run"] * 5 + ["", ""] * 5
    assert compare_actions(truth, ["run"] * 20, tracks, timeline).accuracy == pytest.approx(1.0)
