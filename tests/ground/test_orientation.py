"""Turned and mirrored videos are shown as players show them."""

from __future__ import annotations

import struct
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.video.orientation import Orientation, read_display_matrix
from ground.video.source import open_video

WIDTH, HEIGHT = 64, 48
STRAIGHT = [(a, 0, 0, d) for a, d in product((1, -1), repeat=2)]
ACROSS = [(0, b, c, 0) for b, c in product((1, -1), repeat=2)]


def matrix(turn: tuple[float, float, float, float]) -> bytes:
    """A display matrix that moves the picture back into view, as phones write it."""
    a, b, c, d = turn
    x, y = -min(0.0, a * WIDTH + c * HEIGHT), -min(0.0, b * WIDTH + d * HEIGHT)
    values = [round(value * 65536) for value in (a, b, 0, c, d, 0, x, y)]
    return struct.pack(">9i", *values, 1 << 30)


def write_turned(path: Path, turn: tuple[float, float, float, float]) -> Path:
    """A video of a picture without symmetry, with ``turn`` in its track header."""
    draw = f"color=gray:s={WIDTH}x{HEIGHT},drawbox=0:0:40:8:white:fill,drawbox=0:0:8:40:black:fill"
    encode = ["-frames:v", "2", "-c:v", "libx264", "-qp", "4", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", draw, *encode, str(path)], check=True)
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30), data.index(b"tkhd"))
    data[at : at + 36] = matrix(turn)
    path.write_bytes(data)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("turn", STRAIGHT + ACROSS)
def test_all_eight_ways_are_shown_as_ffmpeg_shows_them(tmp_path: Path, turn: tuple[int, int, int, int]) -> None:
    path = write_turned(tmp_path / "turned.mp4", turn)
    with open_video(path) as video:
        image = next(iter(video)).image
    raw = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    shown = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), *raw], capture_output=True, check=True).stdout
    assert (video.info.height, video.info.width) == image.shape[:2]
    expected = np.frombuffer(shown, np.uint8).reshape(image.shape)
    assert np.abs(image.astype(int) - expected).mean() < 3
    assert np.abs(image[::-1, ::-1].astype(int) - expected).mean() > 10


@given(st.tuples(*[st.booleans()] * 3))
def test_no_two_orientations_show_the_same(flags: tuple[bool, bool, bool]) -> None:
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    shown = Orientation(*flags).apply(image)
    others = [Orientation(*other).apply(image) for other in product((False, True), repeat=3) if other != flags]
    assert all(shown.shape != other.shape or (shown != other).any() for other in others)
    assert shown.flags.c_contiguous


def test_other_angles_are_left_alone_and_said(tmp_path: Path) -> None:
    with open_video(write_turned(tmp_path / "odd.mp4", (0.866, 0.5, -0.5, 0.866))) as video:
        assert (video.info.width, video.info.height) == (WIDTH, HEIGHT)
    assert len(video.notes) == 1 and "no quarter turn" in video.notes[0]


@given(st.binary(min_size=36, max_size=36))
def test_any_matrix_is_an_orientation_or_none(data: bytes) -> None:
    assert isinstance(read_display_matrix(data), Orientation | None)
    assert read_display_matrix(bytes(36)) is None
