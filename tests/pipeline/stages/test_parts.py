"""Parts of a video, made alone and in any order, are to the byte what one run over all of it gives."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from ground.frames import Frame
from ground.video.parts import UnplannedError, cut_parts
from ground.video.source import open_video
from pipeline.analysis.values import Drawn
from pipeline.analyze import track_players
from pipeline.config import PipelineConfig, with_settings
from pipeline.models import Models
from pipeline.parts.partwise import Partwise
from pipeline.parts.passes import Span
from pipeline.parts.run import Workers
from pipeline.parts.store import PartStore
from pipeline.progress import Silent
from pipeline.stages.court import court_look
from pipeline.stages.detect import detect_part, detect_players, join_parts
from pipeline.stages.label import label_players
from tracker.types import Detections

_MILLISECOND = Fraction(1, 1000)


def write(
    path: Path, times: list[int], *, gop: int = 12, start: int = 0, b_frames: int = 2, tick: Fraction = _MILLISECOND
) -> Path:
    """A video of noise; times: in ticks."""
    with av.open(str(path), "w") as container:
        options = {"g": str(gop), "bf": str(b_frames), "x264-params": "open-gop=1", "sc_threshold": "0"}
        options["preset"] = "veryfast"  # there is nothing to be found in noise
        stream: Any = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = tick
        rng = np.random.default_rng(0)
        for time in times:
            picture = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64, 3), np.uint8), "rgb24")
            picture.pts, picture.time_base = start + time, tick
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def same(a: Frame, b: Frame) -> bool:
    return (a.index, a.time) == (b.index, b.time) and np.array_equal(a.image, b.image)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.integers(5, 90), min_size=3, max_size=60),
    gop=st.integers(1, 30),
    begin=st.sampled_from([0, 700, 12345]),
    suffix=st.sampled_from([".mp4", ".mkv", ".ts"]),
    span=st.tuples(st.floats(0, 0.5), st.floats(0.6, 3)),
    length=st.floats(0.1, 2),
)
def test_parts_read_alone_have_the_frames_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], gop: int, begin: int, suffix: str,
    span: tuple[float, float], length: float,
) -> None:  # fmt: skip
    times = np.cumsum([0, *steps]).tolist()
    path = write(tmp_path_factory.mktemp("parts") / f"v{suffix}", times, gop=gop, start=begin)
    with open_video(path) as video:
        shown = [frame.time for frame in video]
    start, end = (shown[0] + share * (shown[-1] - shown[0]) for share in span)
    assume(any(start <= time < end for time in shown))
    with open_video(path, start, end) as video:
        whole, parts = list(video), video.plan(length)
        assert parts is not None
        assert [f.index for f in whole] == [i for part in parts for i in range(part.first, part.last + 1)]
        alone = {part.number: list(video.read_parts([part])) for part in reversed(parts)}
        joined = list(chain.from_iterable(alone[part.number] for part in parts))
        assert len(joined) == len(whole) and all(map(same, joined, whole))
        together = list(video.read_parts(parts))
        assert len(together) == len(whole) and all(map(same, together, whole))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.sampled_from([".mp4", ".mkv", ".ts", ".avi"]), st.integers(5, 59), st.integers(1, 300), st.integers(0, 9))
def test_parts_of_a_damaged_video_are_those_of_the_whole_or_given_up(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, packet: int, num_bytes: int, seed: int
) -> None:
    """Damage goes on into what rests on it, as far as the next key frame, and not only in frames that are marked."""
    path = write(tmp_path_factory.mktemp("damaged") / f"v{suffix}", list(range(0, 2400, 40)), gop=12)
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size and p.pos is not None]
    data, (place, size) = bytearray(path.read_bytes()), packets[packet % len(packets)]
    at = slice(place + min(12, size - 1), place + min(12 + num_bytes, size))
    data[at] = np.random.default_rng(seed).bytes(len(data[at]))
    path.write_bytes(data)
    try:
        opened = open_video(path)
    except InputError:
        return
    with opened as video:
        whole, parts = list(video), video.plan(0.4)
        try:
            joined = [f for part in parts for f in list(video.read_parts([part]))] if parts else whole
        except UnplannedError:
            return
        assert len(joined) == len(whole) and all(map(same, joined, whole))


def test_stamps_that_were_made_up_are_no_plan(tmp_path: Path) -> None:
    """AVI has none, and FFmpeg makes up wrong ones for B-frames; copied into another container, they look real."""
    avi, copy = write(tmp_path / "v.avi", list(range(90)), tick=Fraction(1, 30)), tmp_path / "v.mp4"
    with av.open(str(avi)) as source, av.open(str(copy), "w") as target:
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    with open_video(avi) as video:
        assert video.plan() is None
    with open_video(copy) as video:
        parts = video.plan()
        assert parts is not None
        with pytest.raises(UnplannedError):
            list(video.read_parts(parts))


@given(st.integers(1, 400), st.floats(0, 12), st.floats(0.5, 20), st.sampled_from([24, 25, 30, 60]))
def test_every_frame_is_in_one_part_wherever_reading_begins(num: int, start: float, length: float, rate: int) -> None:
    times = np.arange(num) / rate
    whole, some = (cut_parts(times, Fraction(rate), begin, np.inf, length) for begin in (0.0, start))
    assert np.concatenate([np.empty(0), *(part.times for part in whole)]).tolist() == times.tolist()
    assert np.concatenate([np.empty(0), *(part.times for part in some)]).tolist() == times[times >= start].tolist()
    bounds = {(part.first, part.number) for part in whole}
    assert {(part.first, part.number) for part in some[1:]} <= bounds


class _Dots:
    """Finds two people whose places depend on the picture alone."""

    batch = 4
    names = ("player", "referee")

    def detect(self, frames: list[Frame]) -> list[Detections]:
        found: list[Detections] = []
        for frame in frames:
            x = float(frame.image[:8, :8].mean()) / 8
            boxes = [[x, 5, x + 12, 40], [x + 30, 8, x + 42, 44]]
            found.append(Detections.of(boxes, [0.9, 0.7], [0, 1]))
        return found


def assert_equal(a: Any, b: Any) -> None:
    """Values of the analysis, to the byte."""
    for field in dataclasses.fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if dataclasses.is_dataclass(one):
            assert_equal(one, other)
        elif isinstance(one, np.ndarray):
            assert one.dtype == other.dtype and one.tobytes() == other.tobytes(), field.name
        else:
            assert one == other, field.name


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(2, 24), st.sets(st.integers(0, 23)), st.floats(0.1, 0.6), st.randoms(use_true_random=False))
def test_detection_in_parts_is_that_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, num: int, black: set[int], length: float, random: Any
) -> None:
    """Also over black pictures, of which the camera's motion is told from one side to the other."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(1)
    hall = rng.integers(0, 255, (60, 200, 3), np.uint8).repeat(2, 0).repeat(2, 1)
    for i in range(num):
        image = hall[:96, 3 * i : 3 * i + 128] * (i not in black)
        (folder / f"{i:03d}.png").write_bytes(_png(image))
    with open_video(folder, image_rate=25) as video:
        parts = video.plan(length)
        assert parts is not None
        order = list(parts)
        random.shuffle(order)
        alone = {part.number: detect_part(video.read_parts([part]), _Dots()) for part in order}
        joined = join_parts([alone[part.number] for part in parts], _Dots.names, video, parts)
        one = join_parts([detect_part(video, _Dots())], _Dots.names, video, None)
        assert_equal(joined.frames, one.frames)
        assert_equal(joined.detections.boxes, one.detections.boxes)


def _png(image: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", np.ascontiguousarray(image))[1].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start", "end"),
    [("netba_NYK-BOS.mp4", 4.5, 5.4), ("nbaction_1.mov", 4.4, 5.5), ("ibm_basketball.mp4", 3.7, 4.8)],
)
def test_real_clips_in_parts_of_five_seconds(shared: Path, tmp_path: Path, name: str, start: float, end: float) -> None:
    """A span with the end of one part and the beginning of the next."""
    coarse = {"detector": {"imgsz": 480}, "windows": {"clip_stride": 16}, "numbers": {"read": True}}
    config, models = with_settings(PipelineConfig(device="cpu", start=start, end=end), coarse), Models()
    detector, classifier = models.detector(config), models.classifier(config)
    source = str(shared / "videos" / name)
    with open_video(source, config.start, config.end) as video:
        look = court_look(models.court(config), video.info.sample_aspect_ratio)
        whole = detect_players(video, detector, Silent(), look=look)
        parts = video.plan()
        assert parts is not None and len(parts) == 2
        workers, span = Workers(PartStore(tmp_path / "parts"), models), Span(source, config.start, config.end)
        partwise = Partwise(video, "video", parts, span, config, workers, Silent())
        for part in reversed(parts):
            dataclasses.replace(partwise, parts=(part,)).detect()  # alone, and kept
        joined = partwise.detect()
        assert_equal(whole.frames, joined.frames)
        assert_equal(whole.detections, joined.detections)
        assert_equal(whole.views, joined.views)
        assert len(whole.views.frame_index) > 1

        size = (video.info.width, video.info.height)
        players = track_players(whole, Drawn(), size, config, models, video, Silent())
        again = track_players(whole, Drawn(), size, config, models, video, Silent(), partwise)
        assert_equal(players.tracks, again.tracks)
        assert players.numbers == again.numbers
        at_once = label_players(players.tracks, whole.frames, video, classifier, config.windows, Silent())
        in_parts = partwise.label(players.tracks, whole.frames).windows
        assert len(in_parts) == len(at_once.windows) > 10
        for one, other in zip(at_once.windows, in_parts, strict=True):
            assert (one.track_id, one.start, one.end) == (other.track_id, other.start, other.end)
            assert one.probabilities.tobytes() == other.probabilities.tobytes()
        last = next((tmp_path / "parts").glob("label-0001-*.npz"))
        before = last.read_bytes()
        last.unlink()
        partwise.label(players.tracks, whole.frames)  # the last part alone: its clips begin in the one before
        assert last.read_bytes() == before
