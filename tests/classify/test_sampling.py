"""One pace for all: frames are taken at 25 a second of true time, and SpaceJam's clips as they are meant."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.data.clips import read_video
from classify.sampling import Steps, is_clip, sampled, steps_of
from ground.frames import Frame
from ground.video.source import open_video

SPACEJAM, PHONE = (128, 176), (320, 240)


def _write(path: Path, frames: int, rate: float, size: tuple[int, int]) -> Path:
    """Frame i is of brightness 10 i, up to 25 of them."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    for i in range(frames):
        writer.write(np.full((size[1], size[0], 3), 10 * i % 250, np.uint8))
    writer.release()
    return path


def _order(frames: np.ndarray) -> list[int]:
    """Which frames were taken, told by the brightness of their middle."""
    return [round(float(f[80:96, 56:72].mean()) / 10) for f in frames]


@pytest.mark.parametrize("rate", [5, 10, 12, 15, 24, 25, 30])
def test_every_picture_of_a_spacejam_clip_counts_whatever_its_header_says(tmp_path: Path, rate: int) -> None:
    assert _order(read_video(_write(tmp_path / "a.avi", 16, rate, SPACEJAM))) == list(range(16))


@pytest.mark.parametrize("size", [SPACEJAM, PHONE])
def test_of_fast_video_every_second_frame_is_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    assert _order(read_video(_write(tmp_path / "a.avi", 20, 50, size))) == list(range(0, 20, 2))


@pytest.mark.parametrize("rate", [5, 10, 15])
def test_a_slow_camera_is_believed(tmp_path: Path, rate: int) -> None:
    order = _order(read_video(_write(tmp_path / "a.avi", 16, rate, PHONE)))
    assert sorted(set(order)) == list(range(16)) and order == sorted(order)
    assert len(order) == pytest.approx(16 / rate * 25, abs=2), "it goes on for as long as it did"


def test_a_long_video_of_that_size_is_no_clip(tmp_path: Path) -> None:
    with (
        open_video(_write(tmp_path / "long.avi", 300, 10, SPACEJAM)) as long,
        open_video(_write(tmp_path / "clip.avi", 250, 10, SPACEJAM)) as short,
    ):
        assert is_clip(short) and not is_clip(long)
        assert steps_of(short).sample == pytest.approx(0.1) and steps_of(long).sample == pytest.approx(0.04)
        assert steps_of(short, 12.5).sample == pytest.approx(0.2), "every second picture for a network of half the pace"


_PICTURE = np.zeros((1, 1, 3), np.uint8)


@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=60), st.floats(0.01, 0.2), st.floats(0.001, 5))
def test_samples_follow_the_frames_own_times(intervals: list[float], sample: float, frame: float) -> None:
    times = np.cumsum(intervals)
    frames = [Frame(i, float(t), _PICTURE) for i, t in enumerate(times)]
    taken = list(sampled(frames, Steps(frame, sample)))
    assert taken[0][0].index == 0, "it begins with the first frame"
    assert all(a.index < b.index for (a, _), (b, _) in pairwise(taken))
    covered = sum(times for _, times in taken) * sample
    gaps = np.array(intervals[1:])
    at_most = np.minimum(gaps, 1.0).sum() + (1 + (gaps > 1).sum()) * (min(frame, 1.0) / 2 + sample)
    assert covered <= at_most + 1e-6, "no time is shown twice, and long gaps are not filled"
    assert max(n for _, n in taken) * sample <= 1.5 + 2 * sample, "no frame stands for more than the longest gap"
