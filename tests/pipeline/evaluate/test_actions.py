"""Agreement of labels: perfect for the truth itself, and counted only where there is something to compare."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.evaluate.actions import (
    LabelledFrames,
    agree,
    compare_actions,
    label_boxes,
    match_boxes,
    match_timelines,
    segment_counts,
    segments_of,
)
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


def _frames(wanted: str, given: str) -> LabelledFrames:
    """A letter per frame; a dot where nothing is said."""
    return LabelledFrames(*(np.array(["" if c == "." else c for c in text], dtype=object) for text in (wanted, given)))


@pytest.mark.parametrize(
    ("wanted", "given", "counts"),
    [
        ("aaaabbbb", "aaaabbbb", {0.1: (2, 0, 0), 0.5: (2, 0, 0)}),
        ("aaaabbbb", "aabbbbbb", {0.1: (2, 0, 0), 0.5: (2, 0, 0)}),
        ("aaaabbbb", "abbbbbbb", {0.1: (2, 0, 0), 0.25: (2, 0, 0), 0.5: (1, 1, 1)}),
        ("aaaaaaaa", "aabaabaa", {0.1: (1, 4, 0), 0.25: (1, 4, 0), 0.5: (0, 5, 1)}),
        ("aaaa....", "aaaaaabb", {0.5: (1, 0, 0)}),
        ("aaaabbbb", "........", {0.1: (0, 0, 2)}),
        ("........", "aaaabbbb", {0.1: (0, 0, 0)}),
        ("aabbaabb", "bbaabbaa", {0.1: (0, 4, 4)}),
    ],
)
def test_segments_counted_by_hand(wanted: str, given: str, counts: dict[float, tuple[int, int, int]]) -> None:
    for overlap, expected in counts.items():
        assert segment_counts(_frames(wanted, given), overlap) == expected


LABELLED = st.text("ab.", min_size=1, max_size=30)


@given(LABELLED, LABELLED)
def test_segments_add_up_and_fewer_are_right_when_more_is_asked(wanted: str, given: str) -> None:
    frames = _frames(wanted, given[: len(wanted)].ljust(len(wanted), "."))
    before = None
    for overlap in (0.1, 0.25, 0.5, 0.9):
        right, _, missed = segment_counts(frames, overlap)
        assert right + missed == len(segments_of(frames.wanted))
        assert before is None or right <= before
        before = right
    assert segment_counts(replace(frames, given=frames.wanted), 1.0) == (len(segments_of(frames.wanted)), 0, 0)


def test_players_are_pooled_and_each_has_figures_of_his_own() -> None:
    agreement = agree({3: _frames("aaaaaa", "aaaaaa"), 5: _frames("bb", "ab")})
    assert agreement.accuracy == pytest.approx(7 / 8), "frames count, not players"
    assert {player: own.accuracy for player, own in agreement.per_player.items()} == {3: 1.0, 5: 0.5}
    assert agreement.per_class["b"].recall == 0.5 and agreement.per_class["a"].support == 6
    assert agreement.segment_f1[0.5] == pytest.approx(2 * 2 / (2 * 2 + 1 + 0))
    written = json.loads(json.dumps(agreement.to_json()))
    assert written["per_player"]["5"]["accuracy"] == 0.5 and set(written["segment_f1"]) == {"0.1", "0.25", "0.5"}
    assert agree({}).num_boxes == 0


def test_two_timelines_of_the_same_players() -> None:
    truth = Timeline(_LABELS, (ActionSegment(7, "run", 0, 1, 0, 10, 1), ActionSegment(8, "walk", 0, 1, 0, 10, 1)))
    predicted = Timeline(_LABELS, (ActionSegment(7, "run", 0, 0.5, 0, 5, 1), ActionSegment(9, "walk", 0, 1, 0, 10, 1)))
    agreement = agree(match_timelines(truth, predicted, np.arange(10, dtype=np.int32)))
    assert (agreement.num_boxes, agreement.num_compared, agreement.accuracy) == (20, 5, 1.0)
    assert agreement.segment_f1[0.5] == pytest.approx(2 / 3) and agreement.segment_f1[0.1] == pytest.approx(2 / 3)
    half = agree(match_timelines(truth, predicted, np.arange(4, dtype=np.int32)))
    assert (half.num_boxes, half.segment_f1[0.5]) == (8, pytest.approx(2 / 3)), "what was not analysed is not asked"


def test_a_camera_that_misses_frames_parts_no_segment_twice() -> None:
    boxes = np.tile(np.array([[0, 0, 10, 20]], np.float32), (6, 1))
    truth = Tracks.of(np.array([0, 1, 2, 7, 8, 9]), np.ones(6, int), boxes)
    players = match_boxes(truth, ["run"] * 6, Tracks.empty(), Timeline(_LABELS, ()))
    assert segments_of(players[1].wanted) == [(0, 3, "run"), (7, 10, "run")]


def test_kappa_draws_segments_as_their_boxes_are_alike() -> None:
    """Thirty segments of each length, six of ten right: longer ones say no more, and the interval is as wide."""
    widths: list[float] = []
    for length in (1, 20):
        wanted = np.repeat(np.array(["run", "walk"] * 15, dtype=object), length)
        right = np.repeat(np.random.default_rng(3).random(30) < 0.6, length)
        given_labels = np.where(right, wanted, np.where(wanted == "run", "walk", "run"))
        agreement = agree({1: LabelledFrames(wanted, given_labels)})
        low, high = agreement.kappa_ci95
        assert low <= agreement.kappa <= high
        assert agreement.to_json()["kappa_ci95"] == [low, high]
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.15)
    few = agree({1: LabelledFrames(wanted[:200], given_labels[:200])})
    assert np.isnan(few.kappa_ci95[0]) and few.to_json()["kappa_ci95"] is None, "ten segments say too little"
    assert few.to_json()["per_player"]["1"]["kappa"] == few.kappa
