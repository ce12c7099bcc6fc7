"""Pictures are those of the frames that they say, and a copy that plays has the frames of the video at their times."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from ground.errors import InputError
from pipeline.studio.playable import Copy, picture_at
from tests.pipeline.studio.conftest import FRAMES


def test_every_moment_has_its_frame(game: Path) -> None:
    video = game.parent / "game.mp4"
    for frame in (0, 1, 17, FRAMES - 1):
        for shift in (0.0, 0.019):
            data, found = picture_at(video, frame / 25 + shift)
            assert found.index == frame
            shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            assert abs(float(shown.mean()) - 3 * frame) < 6
    assert picture_at(video, 99.0)[1].index == FRAMES - 1


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no")
    with pytest.raises(InputError):
        picture_at(tmp_path / "a.mp4", 0.0)


@pytest.mark.parametrize("time", [-1.0, float("nan"), float("inf"), 1e300])
def test_what_is_no_time_is_said(game: Path, time: float) -> None:
    with pytest.raises(InputError, match="seconds"):
        picture_at(game.parent / "game.mp4", time)


def test_a_copy_plays_what_a_browser_does_not(tmp_path: Path) -> None:
    """MPEG-4 part 2 in AVI, at a rate that varies, becomes H.264 with the same times."""
    source = tmp_path / "old.mkv"
    times = [0, 40, 80, 160, 200, 320, 360]
    with av.open(str(source), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.time_base = 64, 48, Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        for i, at in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 30 * i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    copy = Copy(tmp_path / "playable.mp4")
    assert copy.state() == {"state": "none"}
    copy.start(source)
    end = time.monotonic() + 20
    while copy.state()["state"] == "making":
        assert time.monotonic() < end
        time.sleep(0.02)
    assert copy.state() == {"state": "there"}
    with av.open(str(copy.path)) as opened:
        assert opened.streams.video[0].codec_context.name == "h264"
        shown = [round(1000 * float(frame.time or 0)) for frame in opened.decode(video=0)]
    assert shown == times


def test_a_copy_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no")
    copy = Copy(tmp_path / "playable.mp4")
    copy.start(tmp_path / "a.mp4")
    end = time.monotonic() + 20
    while copy.state()["state"] in ("making", "none") and time.monotonic() < end:
        time.sleep(0.02)
    assert copy.state()["state"] == "error" and not copy.path.exists()
