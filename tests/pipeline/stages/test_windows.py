"""Clips are cut by time, every full window once, from the right pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.sampling import sample_interval
from classify.types import CLIP_LENGTH
from ground.errors import InputError
from ground.frames import Frame
from pipeline.stages.windows import ClipCutter, WindowConfig, cut_player, notes_on_times, plan_windows, window_ends
from tracker.types import Tracks


def _track(num: int, track_id: int = 1, first: int = 0) -> Tracks:
    boxes = np.tile(np.array([10, 10, 30, 60], np.float32), (num, 1))
    return Tracks.of(np.arange(first, first + num), np.full(num, track_id), boxes)


@pytest.mark.parametrize(
    ("rate", "step"), [(24, 1), (25, 1), (29.97, 1), (30, 1), (50, 2), (59.94, 2), (60, 2), (100, 4), (120, 5)]
)
def test_sampling_takes_every_nth_frame(rate: float, step: int) -> None:
    assert sample_interval(np.arange(100) / rate) == pytest.approx(step / rate)


@pytest.mark.parametrize("rate", [10, 15, 40])
def test_sampling_keeps_the_pace_where_no_whole_step_is_near(rate: float) -> None:
    assert sample_interval(np.arange(100) / rate) == pytest.approx(1 / 25)


def test_times_rounded_to_milliseconds_do_not_drift() -> None:
    times = np.floor(np.arange(3000) / 30 * 1000) / 1000
    assert sample_interval(times) == pytest.approx(1 / 30, rel=1e-3)


@given(st.integers(1, 400), st.integers(1, 40))
def test_windows_are_full_regular_and_reach_the_end(num: int, stride: int) -> None:
    ends = window_ends(num, stride)
    assert len(set(ends.tolist())) == len(ends)
    assert ends[-1] == num - 1
    regular = [e for e in range(CLIP_LENGTH - 1, num) if (e - CLIP_LENGTH + 1) % stride == 0]
    assert set(regular) <= set(ends.tolist()) <= {*regular, num - 1}


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.integers(16, 90), st.integers(1, 16), st.sampled_from([25.0, 30.0, 50.0, 60.0]), st.integers(0, 500))
def test_clips_hold_the_pictures_of_their_time(num: int, stride: int, rate: float, first: int) -> None:
    """Each picture carries its frame's number as a colour, so the clip tells which frames it was cut from."""
    index = np.arange(first, first + num).astype(np.int32)
    times = index / rate
    plan = plan_windows(_track(num, first=first), index, times, WindowConfig(clip_stride=stride, min_samples=1))
    frames = (
        Frame(int(i), float(t), np.full((80, 80, 3), i % 250 + 1, np.uint8)) for i, t in zip(index, times, strict=True)
    )
    cutter = ClipCutter(plan)
    clips = [clip for frame in frames for clip in cutter.update(frame)]
    assert len(clips) == plan.num_windows
    step = round(rate / 25)
    for clip in clips:
        seen = clip.frames[:, 88, 64, 0].astype(int)
        start = round(clip.start * rate)
        num_full = min(CLIP_LENGTH, (num - 1) // step + 1)
        to_and_fro = [*range(num_full), *range(num_full - 2, 0, -1)]
        expected = [(start + to_and_fro[k % len(to_and_fro)] * step) % 250 + 1 for k in range(CLIP_LENGTH)]
        assert seen.tolist() == expected
        assert clip.end - clip.start == pytest.approx(num_full * step / rate)


def test_a_short_track_is_played_to_and_fro_or_dropped() -> None:
    index, times = np.arange(12, dtype=np.int32), np.arange(12) / 25
    short = plan_windows(_track(12), index, times, WindowConfig(short_tracks="bounce"))
    assert short.num_windows == 1
    assert plan_windows(_track(12), index, times, WindowConfig(short_tracks="drop")).num_windows == 0
    assert plan_windows(_track(5), index, times, WindowConfig()).num_windows == 0


def test_a_gap_is_bridged_up_to_the_limit() -> None:
    index, times = np.arange(60, dtype=np.int32), np.arange(60) / 25
    track = _track(60)
    bridged = plan_windows(track[np.r_[0:20, 28:60]], index, times, WindowConfig())
    assert bridged.first.sum() == 1
    assert len(bridged.frame_index) == 60
    parted = plan_windows(track[np.r_[0:20, 40:60]], index, times, WindowConfig())
    assert parted.first.sum() == 2


def test_memory_is_one_clip_per_live_track() -> None:
    index, times = np.arange(500, dtype=np.int32), np.arange(500) / 25
    plan = plan_windows(_track(500), index, times, WindowConfig())
    cutter = ClipCutter(plan)
    for i, t in zip(index, times, strict=True):
        cutter.update(Frame(int(i), float(t), np.zeros((80, 80, 3), np.uint8)))
        assert all(len(pictures) <= CLIP_LENGTH for pictures in cutter._pictures.values())
    assert not cutter._pictures, "a player who is gone leaves nothing behind"


def test_the_cut_keeps_the_aspect_and_pads_with_black() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[100:300, 150:250] = 200  # a box twice as high as wide
    cut = cut_player(image, np.array([150, 100, 250, 300], np.float32))
    rows, columns = np.flatnonzero(cut[:, 64].any(1)), np.flatnonzero(cut[88].any(1))
    assert len(rows) / len(columns) == pytest.approx(2, rel=0.05)
    white = np.full((400, 400, 3), 255, np.uint8)
    bars = np.flatnonzero(~cut_player(white, np.array([180, 100, 220, 300], np.float32)).any((0, 2)))
    assert 20 <= len(bars) <= 32, "content is about 100 pixels of 128 wide"


@given(st.lists(st.floats(-300, 500), min_size=4, max_size=4))
def test_any_box_gives_a_picture(values: list[float]) -> None:
    left, top, width, height = values
    box = np.array([left, top, left + abs(width) + 0.1, top + abs(height) + 0.1], np.float32)
    cut = cut_player(np.full((120, 160, 3), 9, np.uint8), box)
    assert cut.shape == (176, 128, 3)
    inside = box[0] < 155 and box[1] < 115 and box[2] > 5 and box[3] > 5
    if inside and min(box[2] - box[0], box[3] - box[1]) > 4:
        assert cut.any()


def test_bad_settings_are_said() -> None:
    with pytest.raises(InputError, match="clip stride"):
        WindowConfig(clip_stride=0)


def test_no_clip_reaches_over_a_cut() -> None:
    index, shot = np.arange(60, dtype=np.int32), (np.arange(60) >= 25).astype(np.int32)
    plan = plan_windows(_track(60), index, index / 25, WindowConfig(clip_stride=4), shot)
    done = np.isfinite(plan.window_start)
    starts, ends = np.round(plan.window_start[done] * 25), np.round(plan.window_end[done] * 25)
    assert ((ends <= 25) | (starts >= 25)).all() and (ends == 25).any() and (starts == 25).any()


@pytest.mark.parametrize(("rate", "words"), [(0.5, "apart"), (2, "apart"), (5, "5 frames a"), (25, ""), (60, "")])
def test_frames_that_are_far_apart_are_said(rate: float, words: str) -> None:
    notes = notes_on_times(np.arange(40) / rate, WindowConfig())
    assert bool(notes) == bool(words) and all(words in note for note in notes)
    plan = plan_windows(_track(40), np.arange(40, dtype=np.int32), np.arange(40) / rate, WindowConfig())
    assert bool(plan.num_windows) == (words != "apart")


def test_one_pause_is_not_worth_a_word_and_many_are() -> None:
    times = np.arange(500) / 25
    assert not notes_on_times(times + (times > 5), WindowConfig())
    assert "for 20.0 of" in notes_on_times(times + 20 * (times > 5), WindowConfig())[0]
