from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.boxes import iou
from tracker.files.mot import read_truth
from tracker.players.smoothing import smooth_tracks
from tracker.types import Tracks

FPS = 30.0


def boxes_of(centre: np.ndarray, height: float = 150.0, width: float = 60.0) -> np.ndarray:
    half = np.array([width, height]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def running_player(num_frames: int = 150, turns: float = 0.45) -> np.ndarray:
    """Boxes (N, 4) of a player who runs to and fro, so many times a second; with 0.45 faster than anybody can."""
    t = np.arange(num_frames) / FPS
    x = 300 + 250 * np.sin(2 * np.pi * turns * t)
    return boxes_of(np.stack([x, 300 + 30 * np.cos(2 * np.pi * 0.3 * t)], axis=1))


def track_of(xyxy: np.ndarray, frames: np.ndarray | None = None, track_id: int = 1) -> Tracks:
    frames = np.arange(len(xyxy)) if frames is None else frames
    return Tracks.of(frames, np.full(len(xyxy), track_id), xyxy, np.full(len(xyxy), 0.8))


def jitter(xyxy: np.ndarray) -> float:
    return float(np.sqrt((np.diff(xyxy.astype(float), 2, axis=0) ** 2).mean()))


def own_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.diagonal(iou(a.astype(np.float64), b.astype(np.float64)))


def times(num_frames: int) -> np.ndarray:
    return np.arange(num_frames) / FPS


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_removed_and_nothing_lags(seed: int) -> None:
    truth = running_player()
    noisy = truth + np.random.default_rng(seed).normal(0, 3, truth.shape)
    smooth = smooth_tracks(track_of(noisy), times(len(truth))).xyxy
    assert jitter(smooth) < 0.3 * jitter(noisy)
    assert np.abs(smooth - truth).mean() < 0.85 * np.abs(noisy - truth).mean()
    shifts = range(-3, 4)
    errors = [np.abs(smooth[5:-5] - np.roll(truth, shift, axis=0)[5:-5]).mean() for shift in shifts]
    assert shifts[int(np.argmin(errors))] == 0


def test_smooth_motion_stays_as_it_is() -> None:
    truth = running_player()
    assert np.abs(smooth_tracks(track_of(truth), times(len(truth))).xyxy - truth).max() < 2.5


@given(st.integers(0, 1000), st.floats(50, 600))
@settings(max_examples=15, deadline=None)
def test_a_sudden_jump_stays_a_jump(seed: int, distance: float) -> None:
    centre = np.full((40, 2), 300.0) + np.random.default_rng(seed).normal(0, 2, (40, 2))
    centre[20:, 0] += distance
    boxes = boxes_of(centre)
    smooth = smooth_tracks(track_of(boxes), times(40)).xyxy
    assert own_iou(smooth, boxes).min() > 0.65


def test_a_short_gap_is_filled_and_marked() -> None:
    truth = running_player(turns=0.15)
    seen = np.r_[0:60, 72:150]
    smooth = smooth_tracks(track_of(truth[seen], seen), times(150), max_gap=0.5)
    assert smooth.frame_index.tolist() == list(range(150))
    assert np.flatnonzero(~smooth.observed).tolist() == list(range(60, 72))
    assert (smooth.confidence[~smooth.observed] == 0).all()
    assert np.allclose(smooth.confidence[smooth.observed], 0.8)
    assert own_iou(smooth.xyxy, truth)[60:72].min() > 0.6


def test_a_long_gap_stays_and_each_side_is_smoothed_by_itself() -> None:
    truth = running_player()
    seen = np.r_[0:60, 80:150]
    noisy = truth + np.random.default_rng(0).normal(0, 3, truth.shape)
    both = smooth_tracks(track_of(noisy[seen], seen), times(150), max_gap=0.5)
    assert both.frame_index.tolist() == seen.tolist()
    first = smooth_tracks(track_of(noisy[:60]), times(150))
    np.testing.assert_array_equal(both[:60].xyxy, first.xyxy)


def test_gaps_are_judged_by_time_and_not_by_frames() -> None:
    truth = running_player(60, turns=0.15)
    seen = np.r_[0:30, 40:60]
    track = track_of(truth[seen], seen)
    assert len(smooth_tracks(track, np.arange(60) / 10, max_gap=0.5)) == 50
    assert len(smooth_tracks(track, np.arange(60) / 60, max_gap=0.5)) == 60
    # At a frame a second nothing is missing, however long a frame lasts.
    assert len(smooth_tracks(track_of(truth), np.arange(60.0), max_gap=0.5)) == 60


def test_true_times_beat_frame_numbers() -> None:
    rng = np.random.default_rng(1)
    uneven = np.cumsum(rng.choice([1, 5], 200)) / 60
    truth = boxes_of(np.stack([200 + 400 * uneven, np.full(200, 300.0)], axis=1))
    noisy = truth + rng.normal(0, 4, truth.shape)
    error = np.abs(smooth_tracks(track_of(noisy), uneven).xyxy - truth).mean()
    naive = np.abs(smooth_tracks(track_of(noisy), np.arange(200) / 20).xyxy - truth).mean()
    assert error < 0.95 * naive


def test_players_do_not_mix_and_chunks_leave_no_seam() -> None:
    rng = np.random.default_rng(2)
    truth = running_player(2300)
    noisy = truth + rng.normal(0, 3, truth.shape)
    other = noisy[:50] + 40
    mixed = Tracks.of(
        np.r_[np.arange(2300), np.arange(50)], np.r_[np.full(2300, 4), np.full(50, 9)], np.concatenate([noisy, other])
    )
    smooth = smooth_tracks(mixed, times(2300))
    assert smooth.ids.tolist() == [4, 9]
    alone = smooth_tracks(track_of(other, track_id=9), times(2300))
    np.testing.assert_array_equal(smooth[smooth.track_id == 9].xyxy, alone.xyxy)
    seam = smooth_tracks(track_of(noisy[1500:], np.arange(1500, 2300)), times(2300)).xyxy[300:600]
    np.testing.assert_allclose(smooth[smooth.track_id == 4].xyxy[1800:2100], seam, atol=1e-3)


def test_one_box_nothing_and_missing_times() -> None:
    box = np.array([[10.0, 20, 50, 120]])
    np.testing.assert_allclose(smooth_tracks(track_of(box), times(1)).xyxy, box)
    assert len(smooth_tracks(Tracks.empty(), times(0))) == 0
    with pytest.raises(InputError, match="frame 0 of the tracks has no time"):
        smooth_tracks(track_of(box), times(0))


@pytest.mark.slow
def test_real_players_jitter_less_and_keep_their_boxes(shared: Path) -> None:
    truth = read_truth(shared / "mot/sportsmot/gt/v_4LXTUim5anY_c010/gt/gt.txt")
    truth = truth[truth.track_id <= 3]
    size = np.tile(truth.xyxy[:, 2:] - truth.xyxy[:, :2], 2)
    noise = np.random.default_rng(0).normal(0, 0.02, size.shape) * size
    noisy = Tracks.of(truth.frame_index, truth.track_id, truth.xyxy + noise)
    smooth = smooth_tracks(noisy, np.arange(int(truth.frame_index[-1]) + 1) / 25, max_gap=0.0)
    assert len(smooth) == len(truth)
    assert own_iou(smooth.xyxy, truth.xyxy).mean() > own_iou(noisy.xyxy, truth.xyxy).mean() - 0.02
    one = truth.track_id == 1
    assert jitter(smooth.xyxy[one]) < 0.5 * jitter(noisy.xyxy[one])


def test_nothing_is_smoothed_or_filled_across_a_cut() -> None:
    frames = np.array([*range(20), *range(24, 40)])
    left = np.where(frames < 22, 100.0, 110.0)
    tracks = Tracks.of(frames, np.ones(36), np.stack([left, left, left + 40, left + 80], axis=1))
    times, shot = np.arange(40) / 25, (np.arange(40) >= 22).astype(np.int32)
    smooth = smooth_tracks(tracks, times, 1.0, shot)
    assert smooth.frame_index.tolist() == frames.tolist()
    np.testing.assert_allclose(smooth.xyxy[:, 0], left, atol=0.5)
    assert len(smooth_tracks(tracks, times, 1.0)) == 40


@pytest.mark.slow
@given(st.floats(-1.5, 1.5), st.floats(-4, 4), st.integers(4, 20))
def test_a_gap_is_filled_where_he_can_have_gone_on_and_not_where_somebody_else_does(
    speed: float, jump: float, missing: int
) -> None:
    """Heights per second, and heights that the second half is beside the first one's way."""
    frames = np.r_[0:20, 20 + missing : 40 + missing]
    centre = np.stack([300 + 150 * (speed * frames / 30 + jump * (frames >= 20)), np.full(len(frames), 300.0)], axis=1)
    smooth = smooth_tracks(track_of(boxes_of(centre), frames), times(60))
    if abs(jump) < 0.2:
        assert len(smooth) == 40 + missing
    elif abs(jump) > 1.2:
        assert smooth.frame_index.tolist() == frames.tolist()
