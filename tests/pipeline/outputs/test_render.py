"""The annotated video: what a player or browser will find in the file, and what is drawn in it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.disk.files import PART_PREFIX
from ground.errors import InputError
from ground.frames import Image
from ground.video.orientation import Orientation
from ground.video.source import open_video
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.outputs import render
from pipeline.outputs.draw import color_of, draw_players
from pipeline.outputs.render import Shown, render_video
from pipeline.parts.passes import Span
from pipeline.video.encode import write_video
from tracker.types import Tracks

PATCHES = np.array([(200, 30, 30), (30, 180, 60), (40, 60, 210), (128, 128, 128), (230, 220, 40), (250, 250, 250)])


def flat(height: int, width: int) -> Image:
    """Vertical stripes of flat colours."""
    columns = np.arange(width) * len(PATCHES) // width
    return np.ascontiguousarray(np.broadcast_to(PATCHES[columns], (height, width, 3)).astype(np.uint8))


def noise(num: int, rate: float = 25, size: tuple[int, int] = (48, 64)) -> Iterator[tuple[float, Image]]:
    rng = np.random.default_rng(0)
    for i in range(num):
        yield i / rate, rng.integers(0, 256, (*size, 3), np.uint8)


def write_source(path: Path, sound: str | None, *, seconds: int = 4, beep: float = 2.52) -> Path:
    """A video with B-frames whose picture turns white at ``beep`` seconds, when its sound starts."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25, options={"bf": "2", "g": "25"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = container.add_stream(sound, rate=48000) if sound else None
        for i in range(seconds * 25):
            image = np.full((48, 64, 3), 255 if i / 25 >= beep else 0, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(video.encode())
        if audio is not None:
            t = np.arange(seconds * 48000) / 48000
            wave = np.where(t >= beep, 0.8 * np.sin(2 * np.pi * 1000 * t), 0).astype(np.float32)
            for i in range(0, len(wave), 1000):
                samples = av.AudioFrame.from_ndarray(wave[None, i : i + 1000], "fltp", "mono")
                samples.sample_rate, samples.pts, samples.time_base = 48000, i, Fraction(1, 48000)
                container.mux(audio.encode(samples))
            container.mux(audio.encode())
    return path


def show_again(source: Path, output: Path, start: float | None = None, end: float | None = None) -> Path:
    render_video(Span(str(source), start, end), Shown(Tracks.empty(), Timeline((), ()), {}), output)
    return output


def onset(path: Path) -> tuple[float, float]:
    """Seconds at which the picture turns white and at which the sound starts."""
    with open_video(path) as video:
        white = next(f.time for f in video if f.image.mean() > 128)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0].astype(float)) > 0.2)
            if len(loud) and frame.time is not None:
                return white, frame.time + loud[0] / stream.rate
    raise AssertionError("no sound")


def audio_bytes(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]


# The file


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (2, 2), (1, 1), (4000, 1), (720, 1280)])
def test_any_size_gives_a_file_that_browsers_play(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    path = tmp_path / "v.mp4"
    write_video(path, ((i / 25, flat(height, width)) for i in range(5)), frame_rate=Fraction(25))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (width + width % 2, height + height % 2)
        assert stream.duration == Fraction(1, 5) / stream.time_base  # type: ignore[operator]
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


@pytest.mark.parametrize("height", [240, 480, 720, 1080])
def test_colours_do_not_shift(tmp_path: Path, height: int) -> None:
    image = flat(height, 640)
    write_video(tmp_path / "v.mp4", [(0.0, image)] * 2, frame_rate=Fraction(25))
    with open_video(tmp_path / "v.mp4") as video:
        again = next(iter(video)).image
    middles = (np.arange(len(PATCHES)) * 2 + 1) * 640 // (2 * len(PATCHES))
    assert np.abs(again[::10, middles].astype(int) - image[::10, middles]).max() <= 5
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert container.streams.video[0].codec_context.colorspace == (1 if height >= 720 else 6)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_frame_times_are_kept_exactly(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    times = [float(Fraction(int(p), 600)) for p in np.cumsum([0, *steps])]
    path = tmp_path_factory.mktemp("vfr") / "v.mp4"
    image = flat(32, 32)
    write_video(path, ((t, image) for t in times), frame_rate=Fraction(30), time_base=Fraction(1, 600))
    with open_video(path) as video:
        assert [f.time for f in video] == times


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "mp3"), ("a.ts", "aac"), ("a.mkv", "ac3")])
def test_sound_is_copied(tmp_path: Path, name: str, codec: str) -> None:
    source = write_source(tmp_path / name, codec)
    output = show_again(source, tmp_path / "v.mp4")
    sent, got = audio_bytes(source), audio_bytes(output)
    if name.endswith(".ts"):  # which adds a header of 7 bytes to each packet
        sent = [packet[7:] for packet in sent]
    assert b"".join(got) in b"".join(sent) and len(b"".join(got)) > 0.98 * len(b"".join(sent))
    white, loud = onset(output)
    assert white == pytest.approx(2.52, abs=0.03) and loud == pytest.approx(white, abs=0.03)


@pytest.mark.parametrize(("name", "codec"), [("a.mov", "pcm_s16le"), ("a.mkv", "mp2")])
def test_other_sound_becomes_aac(tmp_path: Path, name: str, codec: str) -> None:
    source = write_source(tmp_path / name, codec)
    output = show_again(source, tmp_path / "v.mp4")
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    white, loud = onset(output)
    assert white == pytest.approx(2.52, abs=0.03) and loud == pytest.approx(white, abs=0.03)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mov", "pcm_s16le")])
def test_a_span_begins_at_zero_with_its_sound(tmp_path: Path, name: str, codec: str) -> None:
    source = write_source(tmp_path / name, codec)
    output = show_again(source, tmp_path / "v.mp4", 1.99, 3.2)
    white, loud = onset(output)
    assert white == pytest.approx(2.52 - 1.99, abs=1e-4) and loud == pytest.approx(2.52 - 1.99, abs=0.03)
    with open_video(output) as video, av.open(str(output)) as container:
        assert video.info.duration == pytest.approx(3.2 - 1.99, abs=0.041)
        assert container.duration is not None and container.duration / 1e6 == pytest.approx(1.21, abs=0.041)


def test_a_recording_whose_clock_starts_again_is_shown_whole(tmp_path: Path) -> None:
    once = write_source(tmp_path / "once.ts", "aac").read_bytes()
    (tmp_path / "twice.ts").write_bytes(once + once)
    notes = render_video(
        Span(str(tmp_path / "twice.ts")), Shown(Tracks.empty(), Timeline((), ()), {}), tmp_path / "v.mp4"
    )
    with open_video(tmp_path / "twice.ts") as given, open_video(tmp_path / "v.mp4") as made:
        times = [f.time for f in made]
        assert len(times) == len(list(given)) and 190 <= len(times) <= 200
    assert (np.diff(times) > 0).all() and times[-1] == pytest.approx(8, abs=0.3)
    assert notes == ["some sound is left out, as its times are out of order"]


def test_bad_places_and_no_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no pictures"):
        write_video(tmp_path / "v.mp4", [], frame_rate=Fraction(25))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"v\.mp4: cannot be written"):
        write_video(tmp_path / "file" / "v.mp4", noise(2), frame_rate=Fraction(25))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, InputError])
def test_nothing_half_written(tmp_path: Path, failure: type[BaseException]) -> None:
    (tmp_path / "v.mp4").write_text("the one before")

    def pictures() -> Iterator[tuple[float, Image]]:
        yield from noise(140)  # longer than what is encoded at once
        assert [p for p in tmp_path.iterdir() if p.name.startswith(PART_PREFIX)]
        raise failure("now")

    with pytest.raises(failure, match="now"):
        write_video(tmp_path / "v.mp4", pictures(), frame_rate=Fraction(25))
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]
    assert (tmp_path / "v.mp4").read_text() == "the one before"


@pytest.mark.slow
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    code = f"""
        import resource, signal
        from fractions import Fraction
        from pathlib import Path
        import numpy as np
        from pipeline.video.encode import write_video
        from ground.errors import InputError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        rng = np.random.default_rng(0)
        pictures = ((i / 25, rng.integers(0, 256, (240, 320, 3), np.uint8)) for i in range(60))
        try:
            write_video(Path({str(tmp_path / "v.mp4")!r}), pictures, frame_rate=Fraction(25))
        except InputError as error:
            print(error)
    """
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=root, capture_output=True, text=True, check=True
    )
    assert "cannot be written (File too large)" in done.stdout and done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


# The whole: decode, draw, encode


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["nbaction_3.mov", "nbaction_Layup.mov", "dpbp_PLAY_3.mp4", "cvball_euroball_pass.mp4"]
)
def test_real_videos_keep_their_times_size_and_sound(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "videos" / name
    output = show_again(source, tmp_path / "v.mp4")
    with open_video(source) as given, open_video(output) as made:
        assert [f.time for f in made] == [f.time for f in given]
        assert made.info.orientation == Orientation() and made.notes == []
        for field in ("width", "height", "has_audio", "sample_aspect_ratio"):
            assert getattr(made.info, field) == getattr(given.info, field)
        assert made.info.duration == pytest.approx(given.info.duration, abs=float(1 / given.info.frame_rate))
        if given.info.has_audio:
            assert b"".join(audio_bytes(output)) in b"".join(audio_bytes(source))


def test_plates_say_what_the_timeline_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_source(tmp_path / "a.mp4", None, seconds=1)
    segments = (
        ActionSegment(1, "run", 0.2, 0.4, 5, 10, 0.836),
        ActionSegment(1, "pass", 0.4, 0.6, 10, 15, 1.0),
        ActionSegment(2, "walk", 0.0, 1.0, 0, 25, 0.5),
    )
    rows = [(frame, player) for frame in range(3, 20) for player in (1, 2)]
    tracks = Tracks.of(*zip(*rows, strict=True), [(0, 0, 20, 30)] * len(rows))
    seen: list[tuple[list[str], str | None]] = []

    def record(image: Image, xyxy: Any, ids: Any, texts: list[str], seen_well: Any, banner: Any, colors: Any) -> None:
        seen.append((texts, banner))
        draw_players(image, xyxy, ids, texts, seen_well, banner, colors)

    monkeypatch.setattr(render, "draw_players", record)
    monkeypatch.setattr(render, "_BANNER_SECONDS", 0.1)
    done: list[int] = []
    threads = threading.active_count()
    shown = Shown(tracks, Timeline(("run", "pass", "walk"), segments), {2: "Ana"}, "first guess")
    render_video(Span(str(source), 0.16), shown, tmp_path / "v.mp4", progress=_Counted(done))
    first = ["1", *["1 run 84%"] * 5, *["1 pass 100%"] * 5, *["1"] * 5]
    assert [texts for texts, _ in seen] == [[one, "Ana walk 50%"] for one in first] + [[]] * 5
    assert [banner for _, banner in seen] == ["first guess"] * 3 + [None] * 18
    assert sum(done) == len(seen) == 21 and threading.active_count() == threads


class _Counted:
    """A progress that notes each step."""

    def __init__(self, done: list[int]) -> None:
        self._done = done

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame") -> Iterator[Any]:
        yield self._done.append


def test_frames_that_others_share_are_not_drawn_on(tmp_path: Path) -> None:
    source = write_source(tmp_path / "a.mp4", None, seconds=1)
    tracks = Tracks.of([0], [1], [(5, 5, 30, 40)])
    output = tmp_path / "v.mp4"
    render_video(Span(str(source)), Shown(tracks, Timeline((), ()), {}), output)
    with open_video(output) as video:
        frames = [f.image for f in video]
    assert frames[0].max() > 100 and frames[1].max() < 60  # black, with and without a player


# The drawing

pictures = st.sampled_from([(240, 320), (360, 640), (640, 360), (1080, 1920), (2160, 3840)])


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(pictures, st.tuples(*[st.floats(-1, 2)] * 2), st.tuples(*[st.floats(0.01, 1)] * 2), st.integers(1, 50))
def test_a_plate_is_whole_and_within_the_picture(
    shape: tuple[int, int], corner: tuple[float, float], size: tuple[float, float], player: int
) -> None:
    height, width = shape
    box = np.array([[corner[0] * width, corner[1] * height, 0, 0]], np.float32)
    box[0, 2:] = box[0, :2] + np.array(size) * (width, height)
    image, reference = np.zeros((height, width, 3), np.uint8), np.zeros((height, width, 3), np.uint8)
    draw_players(image, box, [player], ["7 dribble 84%"])
    visible = box[0, 0] < width and box[0, 1] < height and (box[0, 2:] > 0).all()
    middle = np.array([[width // 3, height // 2, width // 3 + 2, height // 2 + 2]], np.float32)
    draw_players(reference, middle, [player], ["7 dribble 84%"])
    plate = _extent(reference)
    assert image.any() == bool(visible)
    if visible:
        drawn = _extent(image)
        assert drawn[1] >= plate[1] - 2 and max(10, min(shape) / 50) <= plate[0] + 1


def _extent(image: Image) -> tuple[int, int]:
    """Rows and columns from the first pixel that is not black to the last one."""
    rows, columns = image.reshape(len(image), -1).any(axis=1), image.any(axis=0).any(axis=1)
    return int(np.ptp(np.flatnonzero(rows))), int(np.ptp(np.flatnonzero(columns)))


@pytest.mark.slow
@settings(deadline=None, max_examples=12)
@given(pictures, st.integers(2, 4))
def test_plates_of_players_in_one_place_do_not_cover_each_other(shape: tuple[int, int], num: int) -> None:
    height, width = shape
    box = (width * 0.4, height * 0.4, width * 0.5, height * 0.6)

    def plate_pixels(players: list[int]) -> list[int]:
        image = np.zeros((height, width, 3), np.uint8)
        draw_players(image, np.array([box] * len(players), np.float32), players, ["7 run 84%"] * len(players))
        return [cv2.countNonZero(cv2.inRange(image, color_of(p), color_of(p))) for p in players]

    alone = [plate_pixels([p])[0] for p in range(1, num + 1)]
    together = plate_pixels(list(range(1, num + 1)))
    frame = 2 * (width * 0.1 + height * 0.2) * max(1, round(min(shape) / 400)) + 100
    assert all(t >= a - frame for t, a in zip(together, alone, strict=True))


def test_guessed_boxes_are_dashed_and_the_rest_is_left_alone() -> None:
    whole, dashed = np.zeros((2, 480, 640, 3), np.uint8)
    box = np.array([(100, 100, 200, 300)], np.float32)
    draw_players(whole, box, [1], [""], [True])
    draw_players(dashed, box, [1], [""], [False])
    assert 0.3 < dashed.any(axis=2).sum() / whole.any(axis=2).sum() < 0.7
    assert not whole[102:298, 102:198].any() and not whole[:100].any() and not whole[300:].any()
    assert (whole[100, 150] == color_of(1)).all()


def test_colours_of_players_are_steady_and_far_apart() -> None:
    colors = [color_of(i) for i in range(1, 41)]
    assert colors == [color_of(i) for i in range(1, 41)]
    for first in range(28):
        near = np.array(colors[first : first + 12], float)
        assert min(np.linalg.norm(a - b) for a, b in combinations(near, 2)) > 60  # RGB, 0..441


def test_letters_of_names_are_drawn() -> None:
    def plate(text: str) -> Image:
        image = np.zeros((480, 640, 3), np.uint8)
        draw_players(image, np.array([(300, 200, 310, 210)], np.float32), [1], [text])
        return image

    letters = [plate(letter) for letter in "čćşğńöЖλ"]
    assert all((a != b).any() for a, b in combinations(letters, 2))  # a font without them draws the same mark for all


def test_the_banner_is_in_the_corner_and_plates_keep_off_it() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    draw_players(image, np.zeros((0, 4), np.float32), [], [], banner="a first guess")
    before = image[:14, :60].copy()
    assert before.any() and not image[30:].any()
    draw_players(image, np.array([(0, 0, 40, 100)], np.float32), [1], ["7 run"], banner="a first guess")
    np.testing.assert_array_equal(image[2:12, 3:60], before[2:12, 3:60])


# Key frames


def key_frames(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [float(p.pts * p.time_base) for p in container.demux(stream) if p.is_keyframe and p.pts is not None]


@pytest.mark.slow
@pytest.mark.parametrize("claimed", [Fraction(1, 2), Fraction(25), Fraction(1000), Fraction(90000)])
def test_key_frames_come_by_time_and_the_level_is_one_that_players_have(tmp_path: Path, claimed: Fraction) -> None:
    times = np.cumsum([0, *np.random.default_rng(0).integers(20, 61, 300)]) / 1000
    image = flat(240, 320)
    tick = Fraction(1, 1000)
    write_video(tmp_path / "v.mp4", ((float(t), image) for t in times), frame_rate=claimed, time_base=tick)
    keys = key_frames(tmp_path / "v.mp4")
    assert keys[0] == 0 and max(np.diff([*keys, times[-1]])) <= 2.07
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=level", "-of", "csv=p=0", str(tmp_path / "v.mp4")]
    assert int(subprocess.run(probe, capture_output=True, check=True).stdout.strip(b",\n")) <= 31


@pytest.mark.slow
def test_a_browsers_recording_is_shown_with_its_times_and_key_frames(shared: Path, tmp_path: Path) -> None:
    source = shared / "faults" / "cases" / "5" / "mr5.webm"
    output = show_again(source, tmp_path / "v.mp4")
    with open_video(source) as given, open_video(output) as made:
        assert [f.time for f in made] == [f.time for f in given]
    assert max(np.diff(key_frames(output))) <= 2.1
