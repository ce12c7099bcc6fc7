"""The shortest tracklets fill gaps, and decide no link."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tracker.track.test_linking import CORNERS, RATE, identities, tracklets, walk
from tracker.boxes import iou
from tracker.evaluate.scores import combine, evaluate_tracks
from tracker.files.mot import read_detections, read_truth
from tracker.track.crumbs import crumbs, put_in
from tracker.track.linking import link
from tracker.track.links import Recording, recording_of
from tracker.track.sport import SportTracker
from tracker.track.tracklets import Tracklets
from tracker.types import BoolArray, Detections

STANDING = walk(600, 0, 60), walk(600, 0, 3), walk(600, 0, 60)
"""Somebody who stands still, in three pieces."""


def test_a_crumb_fills_the_gap_it_fits_and_no_other() -> None:
    found = tracklets(*CORNERS, (0, STANDING[0]), (62, STANDING[1]), (68, STANDING[2]), (63, walk(900, 0, 3)))
    recording = recording_of(found)
    crumb = crumbs(recording)
    assert crumb.tolist() == [False, False, False, True, False, True]
    chain = put_in(recording, np.array([0, 1, 2, 3, 2, 5]), crumb)
    assert chain.tolist() == [0, 1, 2, 2, 2, 5]


def test_two_crumbs_one_after_the_other_fill_one_gap() -> None:
    found = tracklets(*CORNERS, (0, STANDING[0]), (62, STANDING[1]), (66, STANDING[1]), (71, STANDING[2]))
    recording = recording_of(found)
    assert put_in(recording, np.array([0, 1, 2, 3, 4, 2]), crumbs(recording)).tolist() == [0, 1, 2, 2, 2, 2]


def test_nobody_is_in_two_places_for_a_crumb() -> None:
    found = tracklets(*CORNERS, (0, STANDING[0]), (58, STANDING[1]), (68, STANDING[2]))
    recording = recording_of(found)
    assert put_in(recording, np.array([0, 1, 2, 3, 2]), crumbs(recording)).tolist() == [0, 1, 2, 3, 2]


def test_a_second_box_leads_nobody_astray() -> None:
    # Two pass each other; while they do there is a box around both, and one around each of them is missing.
    one, other = walk(400, 0.6, 150), walk(1036, -0.6, 150)
    meet = slice(86, 90)
    both = np.concatenate([np.minimum(one, other)[meet, :2], np.maximum(one, other)[meet, 2:]], axis=1)[:3]
    found = tracklets(*CORNERS, (0, one[:84]), (0, other[:84]), (86, both), (92, one[92:]), (92, other[92:]))
    before, after = identities(link(found), 40, 130)
    assert before[1:3] == after[2:0:-1]


def test_how_long_a_crumb_is_goes_by_seconds_and_not_by_frames() -> None:
    found = tracklets(*CORNERS, (0, STANDING[1]))
    slower = found.__class__(
        found.tracklet, found.track, found.confirmed, found.frame, found.seconds * RATE / 10, found.xyxy,
        found.confidence, found.camera, found.shot,
    )  # fmt: skip
    assert crumbs(recording_of(found))[-1]
    assert not crumbs(recording_of(slower))[-1]


@pytest.mark.slow
def test_second_boxes_at_encounters_exchange_fewer_players(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted(shared.glob("mot/sportsmot/det/*.txt"))[:6]
    truth = [read_truth(shared / f"mot/sportsmot/gt/{path.stem}/gt/gt.txt") for path in paths]
    tracklets = [_followed(path) for path in paths]
    last = combine([evaluate_tracks(t, link(found)) for t, found in zip(truth, tracklets, strict=True)])
    monkeypatch.setattr("tracker.track.linking.crumbs", _none)
    together = combine([evaluate_tracks(t, link(found)) for t, found in zip(truth, tracklets, strict=True)])
    assert last.idf1 > together.idf1 + 0.02
    assert last.id_switches < 0.8 * together.id_switches
    assert last.precision > together.precision


def _none(recording: Recording) -> BoolArray:
    return np.zeros(len(recording.first), np.bool_)


def _followed(path: Path) -> Tracklets:
    """A file of boxes, with one box more around every third pair that stands close."""
    found, tracker, random = read_detections(path), SportTracker(), np.random.default_rng(1)
    for frame in range(max(found) + 1):
        tracker.update(_with_second(found.get(frame, Detections.empty()), random), frame / RATE)
    return tracker.finish()


def _with_second(boxes: Detections, random: np.random.Generator) -> Detections:
    xyxy = boxes.xyxy.astype(np.float64)
    pairs = np.argwhere(np.triu(iou(xyxy, xyxy), 1) > 0.15)
    pairs = pairs[random.random(len(pairs)) < 0.3]
    if not len(pairs):
        return boxes
    a, b = xyxy[pairs[:, 0]], xyxy[pairs[:, 1]]
    around = np.concatenate([np.minimum(a, b)[:, :2], np.maximum(a, b)[:, 2:]], axis=1)
    confidence = random.uniform(0.25, 0.55, len(around))
    return Detections(
        np.concatenate([boxes.xyxy, around.astype(np.float32)]),
        np.concatenate([boxes.confidence, confidence.astype(np.float32)]),
        np.concatenate([boxes.class_id, np.full(len(around), boxes.class_id[0])]),
    )
