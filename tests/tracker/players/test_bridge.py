"""Gaps of detection bridged by CSRT: better than a curve where he can be seen, the curve where he cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.frames import Frame
from tracker.boxes import iou
from tracker.files.mot import read_truth
from tracker.players.bridge import Bridger
from tracker.players.smoothing import smooth_tracks
from tracker.types import BoolArray, Tracks

SIZE, FPS, NUM_FRAMES = 320, 25.0, 40
TIMES = np.arange(NUM_FRAMES) / FPS
GAP = (12, 28)


def turning(frame: int) -> tuple[int, int, int, int]:
    """A player who runs to the right, stops, and runs on: no curve between the ends of the gap knows it."""
    x = 40 + 6 * min(frame, 14) + 6 * max(0, frame - 26)
    y = 120 + 3 * max(0, min(frame, 26) - 14)
    return x, y, x + 24, y + 60


def pictures(*, hidden: range = range(0), other: range = range(0)) -> list[Frame]:
    """The player on a textured floor; ``hidden`` he is not there, ``other`` he wears another shirt."""
    rng = np.random.default_rng(5)
    floor, shirt = (
        cv2.resize(rng.normal(0, 40, (h // 6, w // 6)), (w, h))[..., None] for w, h in ((SIZE, SIZE), (24, 60))
    )
    frames: list[Frame] = []
    for i in range(NUM_FRAMES):
        image = np.array((170, 120, 80)) + floor
        x0, y0, x1, y1 = turning(i)
        if i not in hidden:
            image[y0:y1, x0:x1] = np.array((240, 240, 240) if i in other else (30, 60, 200)) + shirt
        frames.append(Frame(i, i / FPS, np.clip(image, 0, 255).astype(np.uint8)))
    return frames


TRUTH = Tracks.of(range(NUM_FRAMES), [7] * NUM_FRAMES, [turning(i) for i in range(NUM_FRAMES)])


def gapped(*gaps: tuple[int, int], off: int = 0) -> Tracks:
    """The truth without ``gaps``, smoothed; boxes after the first gap lie ``off`` pixels too low."""
    seen = np.ones(NUM_FRAMES, np.bool_)
    for first, end in gaps:
        seen[first:end] = False
    boxes = TRUTH.xyxy.copy()
    boxes[gaps[0][1] :, 1::2] += off
    return smooth_tracks(replace(TRUTH, xyxy=boxes)[seen], TIMES)


def bridged(tracks: Tracks, frames: list[Frame]) -> tuple[Tracks, Bridger]:
    bridger = Bridger(tracks)
    for frame in frames:
        bridger.update(frame)
    return bridger.finish(), bridger


def overlap(a: Tracks, b: Tracks) -> float:
    return float(iou(a.xyxy.astype(np.float64), b.xyxy.astype(np.float64)).diagonal().mean())


def test_a_turn_in_a_gap_is_found_and_nothing_else_changes() -> None:
    before = gapped(GAP)
    after, bridger = bridged(before, pictures())
    assert (bridger.num_gaps, bridger.num_bridged, bridger.last_frame) == (1, 1, GAP[1])
    rows = slice(*GAP)
    assert overlap(before[rows], TRUTH[rows]) < 0.75
    assert overlap(after[rows], TRUTH[rows]) > 0.85
    for column in ("frame_index", "track_id", "confidence", "observed"):
        np.testing.assert_array_equal(getattr(after, column), getattr(before, column))
    np.testing.assert_array_equal(after.xyxy[after.observed], before.xyxy[before.observed])
    assert before.xyxy is not after.xyxy, "the tracks that came are left alone"


def test_what_csrt_is_off_by_at_the_end_is_spread_over_the_gap() -> None:
    (exact, _), (low, bridger) = bridged(gapped(GAP), pictures()), bridged(gapped(GAP, off=12), pictures())
    assert bridger.num_bridged == 1
    added = (low.xyxy - exact.xyxy)[slice(*GAP), 1::2].mean(axis=1)
    np.testing.assert_allclose(added, np.linspace(0, 12, GAP[1] - GAP[0] + 2)[1:-1], atol=1.5)


def test_where_he_is_found_but_not_where_he_is_detected_again_the_curve_stays() -> None:
    before = gapped(GAP, off=40)
    after, bridger = bridged(before, pictures())
    np.testing.assert_array_equal(after.xyxy, before.xyxy)
    assert bridger.num_bridged == 0


@pytest.mark.parametrize(
    "frames",
    [
        pictures(hidden=range(14, 26)),
        pictures(other=range(16, 40)),
        pictures(other=range(25, 40)),
        [frame for frame in pictures() if frame.index != 20],
        [frame for frame in pictures() if frame.index != 11],
        pictures()[:20],
    ],
    ids=["hidden", "other colours", "other colours late", "a frame missing", "the first missing", "the video ends"],
)
def test_where_csrt_does_not_come_out_right_the_curve_stays(frames: list[Frame]) -> None:
    before = gapped(GAP)
    after, bridger = bridged(before, frames)
    np.testing.assert_array_equal(after.xyxy, before.xyxy)
    assert bridger.num_bridged == 0


@given(st.lists(st.booleans(), min_size=NUM_FRAMES, max_size=NUM_FRAMES), st.integers(1, 3))
def test_gaps_are_runs_between_detections_long_enough_to_matter(seen: list[bool], num_players: int) -> None:
    mask = np.array(seen)
    ids = np.repeat(np.arange(1, num_players + 1), NUM_FRAMES)
    tracks = Tracks.of(
        np.tile(np.arange(NUM_FRAMES), num_players), ids, np.tile(TRUTH.xyxy, (num_players, 1)),
        observed=np.tile(mask, num_players),
    )  # fmt: skip
    runs = "".join("x" if s else "." for s in seen).strip(".").split("x")
    long = [run for run in runs if len(run) >= 6]
    bridger = Bridger(tracks)
    assert bridger.num_gaps == num_players * len(long)
    assert bridger.last_frame <= int(np.flatnonzero(mask).max(initial=-1))
    np.testing.assert_array_equal(bridger.finish().xyxy, tracks.xyxy)


def test_two_gaps_of_one_player_and_no_gaps() -> None:
    tracks, bridger = bridged(gapped((5, 13), (20, 30)), pictures())
    assert (bridger.num_gaps, bridger.num_bridged) == (2, 2)
    assert overlap(tracks, TRUTH) > 0.85
    nothing = Bridger(Tracks.empty())
    assert (nothing.num_gaps, nothing.last_frame, len(nothing.finish())) == (0, -1, 0)


def test_gaps_in_a_real_game_are_bridged_truer_than_by_a_curve(shared: Path) -> None:
    """netba_IND-NYK against its truth: half of the players are missed for 0.7 s each."""
    truth = read_truth(shared / "truth/IND-NYK/gt.txt")
    truth = truth[(truth.frame_index >= 20) & (truth.frame_index < 120)]
    missed: BoolArray = np.zeros(len(truth), np.bool_)
    for player in truth.ids[::2].tolist():
        start = 25 + 7 * player
        missed |= (truth.track_id == player) & (truth.frame_index >= start) & (truth.frame_index < start + 21)
    before = smooth_tracks(truth[~missed], np.arange(120) / 30)
    bridger = Bridger(before)
    capture = cv2.VideoCapture(str(shared / "videos/netba_IND-NYK.mp4"))
    for index in range(bridger.last_frame + 1):
        image = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        bridger.update(Frame(index, index / 30, image))
    after = bridger.finish()
    assert bridger.num_gaps == 5 and bridger.num_bridged >= 3
    gaps = ~before.observed
    assert overlap(after[gaps], truth[missed]) > overlap(before[gaps], truth[missed]) + 0.02
