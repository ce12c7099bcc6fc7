"""Reading videos: indices, times and pictures against plain decoding, and every kind of bad input."""

from __future__ import annotations

import http.server
import random
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.container import InputContainer
from av.stream import Disposition
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from ground.video.source import open_video
from ground.video.stream import opening
from ground.video.stream.container import open_container

REAL = [
    "cvball_euroball_pass.mp4", "dpbp_PLAY_3.mp4", "ibm_basketball.mp4", "nbaction_1.mov", "nbaction_3.mov",
    "nbaction_Layup.mov", "netba_IND-NYK.mp4", "sv_walking.mp4", "teamtrack_tipoff_crop1080.mp4",
]  # fmt: skip
CLAIMED = {"ibm_basketball.mp4": (265, 214), "netba_IND-NYK.mp4": (329, 309), "cvball_euroball_pass.mp4": (88, 87)}

READ_TO = {"nbaction_1.mov": 4.0, "sv_walking.mp4": 4.0, "teamtrack_tipoff_crop1080.mp4": 4.0}
"""Seconds at which reading ends where there is nothing odd, many pictures, and others of the kind are read whole."""

Seen = tuple[int, float, int]


def write_clip(
    path: Path,
    codec: str = "libx264",
    *,
    size: tuple[int, int] = (64, 48),
    pts: list[int] | range = range(60),
    rate: Fraction = Fraction(25),
    time_base: Fraction | None = None,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    title: str = "",
) -> Path:
    """A video whose frames all differ in colour."""
    time_base = time_base or 1 / rate
    with av.open(str(path), "w") as container:
        if title:
            container.metadata["title"] = title
        stream: Any = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = time_base
        for i, at in enumerate(pts):
            image = np.full((size[1], size[0], 3), (i * 4 % 256, 255 - i * 4 % 256, i // 64 * 20), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = at, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, codec: str = "aac", seconds: float = 1.0, image: bool = False) -> Path:
    """A file with only sound; ``image``: with a cover picture, as music files have."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=44100)
        cover: Any = container.add_stream("mjpeg", rate=1) if image else None
        if cover is not None:
            cover.width, cover.height, cover.pix_fmt, cover.disposition = (
                32,
                32,
                "yuvj420p",
                int(Disposition.attached_pic),
            )
            frame = av.VideoFrame(32, 32, "yuvj420p")
            container.mux(cover.encode(frame))
            container.mux(cover.encode())
        samples = np.zeros((1, int(44100 * seconds)), np.float32)
        sound = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    return path


def cut(path: Path, target: Path, begin: float = 0.0, end: float = 1.0) -> Path:
    data = path.read_bytes()
    target.write_bytes(data[int(len(data) * begin) : int(len(data) * end)])
    return target


def read(path: Path | str, start: float | None = None, end: float | None = None) -> list[Seen]:
    """Index, time and a fingerprint of each frame."""
    with open_video(path, start, end) as video:
        return [(f.index, f.time, int(f.image[::5, ::5].astype(int).sum())) for f in video]


def decode_plainly(path: Path) -> list[float]:
    """Independent oracle: times of all frames that PyAV decodes, in order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        start = Fraction(container.start_time or 0, 1_000_000)
        return [float(f.pts * stream.time_base - start) for f in container.decode(stream)]  # type: ignore[operator]


def times_of_packets(path: Path) -> list[float]:
    """The same of files whose packets are a picture each, without decoding them: another independent oracle."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        start = Fraction(container.start_time or 0, 1_000_000)
        shown = (p for p in container.demux(stream) if p.pts is not None and not p.is_discard)
        return sorted(float(p.pts * stream.time_base - start) for p in shown)  # type: ignore[operator]


def assert_spans_agree(path: Path, everything: list[Seen], num_spans: int, end: float | None = None) -> None:
    """Reading from any time on gives the very frames, with the same indices, as reading from the beginning.

    end: when ``everything`` ends; None: with the video.
    """
    rng = random.Random(path.name)
    begins = [time for _, time, _ in everything if end is None or time < end - 0.2]
    for _ in range(num_spans):
        start = rng.choice([rng.choice(begins), rng.uniform(0.01, begins[-1])])
        assert read(path, start, start + 0.2) == [s for s in everything if start <= s[1] < start + 0.2]


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_videos_are_read_as_they_are(shared: Path, name: str) -> None:
    path = shared / "videos" / name
    times, end = times_of_packets(path), READ_TO.get(name)
    with open_video(path, None, end) as video:
        everything = [(f.index, f.time, int(f.image[::5, ::5].astype(int).sum())) for f in video]
        assert [i for i, _, _ in everything] == list(range(len(everything)))
        np.testing.assert_allclose(
            [t for _, t, _ in everything], [t for t in times if end is None or t < end], atol=2e-6
        )
        claimed, shown = CLAIMED.get(name, (len(times), len(times)))
        assert (video.info.num_frames_claimed, len(times)) == (claimed, shown)
        expected = [f"the file's edit list hides {claimed - shown} of its {claimed} frames"] if claimed != shown else []
        assert video.notes == expected
    assert_spans_agree(path, everything, 1, end)


def test_rotation_is_applied_to_a_phone_video(shared: Path) -> None:
    path = shared / "videos" / "nbaction_Layup.mov"
    with open_video(path) as video:
        assert (video.info.width, video.info.height) == (360, 640)
        image = next(iter(video)).image
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
    np.testing.assert_array_equal(image, np.rot90(stored, -1))


OPEN_GOP = {"bf": "3", "g": "20", "x264-params": "open-gop=1:scenecut=0"}
KINDS = {
    "b.mp4": ("libx264", {"bf": "3", "g": "20"}), "b.mkv": ("libx264", {"bf": "3", "g": "20"}),
    "open.mp4": ("libx264", OPEN_GOP), "open.ts": ("libx264", OPEN_GOP), "mpeg2.ts": ("mpeg2video", {"bf": "2"}),
    "hidden.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "30"}),
    "mpeg4.avi": ("mpeg4", {"bf": "2"}), "raw.h264": ("libx264", {"bf": "3", "g": "20"}), "a.gif": ("gif", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_container_gives_all_frames_in_order(tmp_path: Path, name: str) -> None:
    codec, options = KINDS[name]
    path = write_clip(tmp_path / name, codec, options=options, pix_fmt="rgb8" if codec == "gif" else "yuv420p")
    everything = read(path)
    assert [i for i, _, _ in everything] == list(range(60))
    np.testing.assert_allclose(np.diff([t for _, t, _ in everything]), 0.04, atol=1e-6)
    assert_spans_agree(path, everything, 4)


@pytest.mark.parametrize("name", ["open.ts", "mpeg2.ts"])
def test_a_recording_that_begins_within_a_group_of_pictures(tmp_path: Path, name: str) -> None:
    codec, options = KINDS[name]
    whole = write_clip(tmp_path / name, codec, options=options).read_bytes()
    path = tmp_path / f"cut_{name}"
    path.write_bytes(whole[188 * 30 :])
    everything = read(path)
    assert [i for i, _, _ in everything] == list(range(len(decode_plainly(path))))
    assert_spans_agree(path, everything, 4)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(60000, 1001), Fraction(24000, 1001)])
def test_times_are_exact_after_an_hour(tmp_path: Path, rate: Fraction) -> None:
    hour = round(3600 * rate)
    path = write_clip(tmp_path / "hour.mp4", pts=[0, 1, hour, hour + 1], rate=rate)
    assert [t for _, t, _ in read(path)] == [float(i / rate) for i in (0, 1, hour, hour + 1)]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_variable_frame_times_are_exact(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    pts = [0, *np.cumsum(steps).tolist()]
    path = write_clip(tmp_path_factory.mktemp("vfr") / "v.mkv", pts=pts, time_base=Fraction(1, 1000))
    assert [t for _, t, _ in read(path)] == [float(Fraction(p, 1000)) for p in pts]


@pytest.mark.parametrize("size", [(2, 2), (1, 4000), (4000, 1), (3, 5)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_clip(tmp_path / "odd.mov", "png", size=size, pts=range(3), pix_fmt="rgb24")
    with open_video(path) as video:
        assert [f.image.shape for f in video] == [(size[1], size[0], 3)] * 3


def test_pictures_are_rgb_and_read_only(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "c.mov", "png", pts=range(3), pix_fmt="rgb24")
    with open_video(path) as video:
        images = [f.image for f in video]
    assert images[2][0, 0].tolist() == [8, 247, 0]
    with pytest.raises(ValueError, match="read-only"):
        images[0][0, 0] = 0


def test_a_source_can_be_read_again_and_left_early(tmp_path: Path) -> None:
    before = threading.active_count()
    with open_video(write_clip(tmp_path / "a.mp4")) as video:
        first = next(iter(video)).image
        abandoned = iter(video)
        next(abandoned)
        assert sum(1 for _ in video) == 60
        np.testing.assert_array_equal(first, next(iter(video)).image)
    assert threading.active_count() == before


@pytest.mark.slow
def test_readings_at_once_do_not_share_their_notes(shared: Path) -> None:
    with open_video(shared / "videos" / "ibm_basketball.mp4") as video:
        assert sum(1 for _ in video) == 214
        notes = list(video.notes)
        assert notes == ["the file's edit list hides 51 of its 265 frames"]
        one, other = iter(video), iter(video)
        assert next(one).index == next(other).index == 0
        assert video.notes == notes
        assert sum(1 for _ in other) == 213 and sum(1 for _ in one) == 213
        assert video.notes == notes


def test_leaving_the_block_ends_a_reading_in_another_thread(tmp_path: Path) -> None:
    seen: list[int | str] = []
    begun = threading.Event()

    def read_slowly() -> None:
        try:
            for frame in video:
                seen.append(frame.index)
                begun.set()
                left.wait(5)
        except ValueError as error:
            seen.append(str(error))

    left = threading.Event()
    with open_video(write_clip(tmp_path / "a.mp4", pts=range(200))) as video:
        thread = threading.Thread(target=read_slowly)
        thread.start()
        assert begun.wait(5)
    left.set()
    thread.join(5)
    assert not thread.is_alive() and seen[-1] == "closed while it was being read"


def test_a_clip_is_opened_once_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training reads tens of thousands of clips: opening costs as much as decoding them."""
    opened: list[str] = []

    def count(source: str) -> InputContainer:
        opened.append(source)
        return open_container(source)

    monkeypatch.setattr(opening, "open_container", count)
    with open_video(write_clip(tmp_path / "a.mp4", pts=range(16))) as video:
        assert [frame.index for frame in video] == list(range(16)) and len(opened) == 1
        assert [frame.index for frame in video] == list(range(16)) and len(opened) == 2


@pytest.mark.parametrize(
    "name", ["a%d.mp4", "a%03d.png", "-i.mp4", "a:b.mp4", "a?b#c.mp4", "k\udce9vin.mp4", "試合 🏀.mp4"]
)
def test_names_that_mean_something_to_others(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".png":
        cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
        (tmp_path / "a.png").rename(path)
    else:
        write_clip(tmp_path / "plain.mp4").rename(path)
    with open_video(path) as video:
        assert sum(1 for _ in video) == (1 if path.suffix == ".png" else 60)


def test_titles_that_are_not_utf_8(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", "mpeg4", title="Cafe")
    data = path.read_bytes()
    assert data.count(b"Cafe") == 1
    path.write_bytes(data.replace(b"Cafe", b"Caf\xe9"))
    assert len(read(path)) == 60


# Damage


def faststart(path: Path, source: Path) -> Path:
    """A copy whose index stands at the front, so that a cut file can still be opened."""
    with av.open(str(source)) as given, av.open(str(path), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def test_a_file_cut_mid_frame_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = faststart(tmp_path / "whole.mp4", write_clip(tmp_path / "a.mp4", options={"g": "10", "qp": "1"}))
    with open_video(cut(whole, tmp_path / "cut.mp4", end=0.6)) as video:
        seen = [f.index for f in video]
    assert 10 < len(seen) < 59 and seen == list(range(len(seen)))
    assert video.notes[-2] == f"the container claims 60 frames, {len(seen)} can be shown"
    assert "ends early" in video.notes[-1]


@pytest.mark.slow
def test_unreadable_frames_are_left_out_and_keep_their_index(shared: Path, tmp_path: Path) -> None:
    whole = faststart(tmp_path / "whole.mp4", shared / "videos" / "nbaction_1.mov")
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 30000] = b"\x55" * 30000
    middle = len(data) // 4  # a longer stretch, with a key frame
    data[middle : middle + 300000] = b"\x55" * 300000
    (tmp_path / "damaged.mp4").write_bytes(data)
    with open_video(tmp_path / "damaged.mp4") as video:
        everything = [(f.index, f.time) for f in video]
    assert 250 < len(everything) < 340
    assert [i for i, _ in everything] == [round(t * 30) for _, t in everything]
    lost = 355 - len(everything)
    assert video.notes[0] == f"frames that cannot be decoded and are left out: {lost}"
    with open_video(tmp_path / "damaged.mp4", start=7) as video:
        assert [(f.index, f.time) for f in video] == [s for s in everything if s[1] >= 7]


def bad_inputs(folder: Path) -> Iterator[tuple[Path, str]]:
    (folder / "text.mp4").write_text("no video at all\n" * 100)
    (folder / "notes.txt").write_text("a text\n" * 100)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "folder").mkdir()
    yield folder / "missing.mp4", "no such file"
    yield folder / ("long" * 65), "cannot be read"
    yield folder / "text.mp4", "cannot be read as a video"
    yield folder / "notes.txt", "holds no video"
    yield folder / "empty.mp4", "cannot be read as a video"
    yield folder / "folder", "holds no images"
    yield write_sound(folder / "sound.m4a"), "holds no video, only audio"
    yield write_sound(folder / "cover.mp3", "libmp3lame", image=True), "holds no video, only audio"
    yield cut(write_clip(folder / "a.mp4"), folder / "cut.mp4", end=0.5), "cannot be read as a video"
    yield cut(write_clip(folder / "a.mkv"), folder / "head.mkv", end=0.25), "no frame of this video can be decoded"


def test_bad_input_is_one_line_that_says_why(tmp_path: Path) -> None:
    for path, reason in bad_inputs(tmp_path):
        with pytest.raises(InputError, match=reason) as error:
            open_video(path)
        assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_spans_without_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"the start, 5 s, is not before the video's end, 2\.400 s"):
        open_video(path, 5)
    with pytest.raises(InputError, match="the end, 1 s, is not after the start, 2 s"):
        open_video(path, 2, 1)
    with pytest.raises(InputError, match=r"no frame between 1\.01 s and 1\.02 s"):
        list(open_video(path, 1.01, 1.02))


# Other sources


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.slow
def test_an_address_is_read_like_a_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert read(f"{address}/a.mkv") == read(path)
        with pytest.raises(InputError, match="cannot be read as a video"):
            open_video(f"{address}/missing.mkv")
    finally:
        server.shutdown()
        server.server_close()
