"""Which of a file's streams is the video, and what it states about its pictures."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from ground.errors import InputError
from ground.video.source import open_video

SMALL = ["-f", "lavfi", "-i", "color=red:s=64x48:d=1"]
LARGE = ["-f", "lavfi", "-i", "color=blue:s=128x96:d=1"]
BOTH = [*SMALL, *LARGE, "-map", "0", "-map", "1", "-c:v", "mpeg4"]
RED, BLUE = 0, 2


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def colour(path: Path, start: float | None = None) -> tuple[int, list[str]]:
    """Which of red, green and blue is shown, and the notes."""
    with open_video(path, start) as video:
        image = [frame.image for frame in video][-1]
    return int(image.mean(axis=(0, 1)).argmax()), video.notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "name", "shown", "reason"),
    [
        ([0, 0], "a.mkv", BLUE, "the largest"),
        (["default", 0], "a.mkv", RED, "the default"),
        ([0, "default"], "a.mkv", BLUE, "the default"),
        (["default", "default"], "a.mkv", BLUE, "the default"),
        (["default", 0], "a.mp4", RED, "the default"),
        ([0, 0], "a.ts", BLUE, "the largest"),
    ],
)
@pytest.mark.parametrize("start", [None, 0.5])
def test_the_default_video_is_read_else_the_largest(
    tmp_path: Path, flags: list[object], name: str, shown: int, reason: str, start: float | None
) -> None:
    marks = [mark for i, flag in enumerate(flags) for mark in (f"-disposition:v:{i}", flag)]
    ffmpeg(*BOTH, *marks, tmp_path / name)
    seen, notes = colour(tmp_path / name, start)
    assert seen == shown
    assert len(notes) == 1 and notes[0].startswith("the file holds 2 videos") and notes[0].endswith(reason)


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "cover.png"), np.full((200, 200, 3), (255, 0, 0), np.uint8))
    cover = [
        "-i",
        tmp_path / "cover.png",
        "-map",
        "1",
        "-map",
        "0",
        "-c:v:0",
        "png",
        "-disposition:v:0",
        "attached_pic",
    ]
    ffmpeg(*SMALL, *cover, "-c:v:1", "mpeg4", tmp_path / "a.mp4")
    assert colour(tmp_path / "a.mp4") == (RED, [])


def test_a_video_whose_codec_nobody_knows_gives_way_to_one_that_can_be_read(tmp_path: Path) -> None:
    ffmpeg(*BOTH, tmp_path / "a.avi")
    head, *rest = (tmp_path / "a.avi").read_bytes().rsplit(b"FMP4", 2)
    (tmp_path / "a.avi").write_bytes(b"zzzz".join([head, *rest]))
    assert colour(tmp_path / "a.avi") == (RED, [])


@pytest.mark.parametrize("start", [None, 0.5])
def test_a_video_that_cannot_be_decoded_gives_way_to_one_that_can(tmp_path: Path, start: float | None) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        streams: list[Any] = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream, width in zip(streams, (64, 128), strict=True):
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
        picture = np.full((48, 64, 3), (255, 0, 0), np.uint8)
        for i in range(25):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = i
            container.mux(streams[0].encode(frame))
            rubbish = av.Packet(b"\x00\x00\x00\x05rubbish")
            rubbish.stream, rubbish.pts, rubbish.dts, rubbish.time_base = streams[1], i, i, Fraction(1, 25)
            container.mux(rubbish)
        container.mux(streams[0].encode())
    seen, notes = colour(tmp_path / "a.mkv", start)
    assert seen == RED and notes[0].endswith("the first that can be decoded")


def test_a_codec_that_nobody_knows_is_said(tmp_path: Path) -> None:
    ffmpeg(*SMALL, "-c:v", "libx264", tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data.replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    with pytest.raises(InputError, match="codec that is not known here"):
        open_video(tmp_path / "a.mp4")


def test_pictures_that_change_their_size_are_scaled_and_said(tmp_path: Path) -> None:
    for name, source in (("a", SMALL), ("b", LARGE)):
        ffmpeg(*source, "-c:v", "mpeg2video", tmp_path / f"{name}.ts")
    path = tmp_path / "joined.ts"
    path.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    with open_video(path) as video:
        shapes = {frame.image.shape for frame in video}
    assert shapes == {(48, 64, 3)}
    assert any("64x48 to 128x96" in note and "scaled" in note for note in video.notes)


@pytest.mark.parametrize(("stated", "read"), [("4/3", 4 / 3), ("16/15", 16 / 15), ("1/1", 1), ("1/200", 1)])
def test_the_shape_of_pixels(tmp_path: Path, stated: str, read: float) -> None:
    ffmpeg(*SMALL, "-vf", f"setsar={stated}", "-c:v", "libx264", tmp_path / "a.mkv")
    with open_video(tmp_path / "a.mkv") as video:
        assert float(video.info.sample_aspect_ratio) == pytest.approx(read, rel=1e-3)
        assert next(iter(video)).image.shape == (48, 64, 3)
