"""Short clips whose pictures have their number written into them, so that it is known which of them arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import av
import cv2
import numpy as np
from av.packet import Packet

from ground.frames import Image
from ground.video.source import open_video
from pipeline.synthetic.game import SyntheticGame

NUM_PICTURES = 40
FPS = 25
KEY_EVERY = 10
SIZE = (320, 180)
"""Width, height."""
_BITS = 7
_CONTRAST = 60


@dataclass(frozen=True)
class Look:
    """How a clip is written."""

    suffix: str = ".mp4"
    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = SIZE
    num_pictures: int = NUM_PICTURES
    key_every: int = KEY_EVERY
    times: tuple[Fraction, ...] = ()
    """Seconds; none: ``FPS`` of them a second."""
    codec_options: Mapping[str, str] = field(default_factory=dict[str, str])
    file_options: Mapping[str, str] = field(default_factory=dict[str, str])
    has_sound: bool = False
    interlaced: bool = False


@dataclass(frozen=True)
class Piece:
    """One packet, as it lies in the file."""

    position: int
    data: bytes
    pts: int
    dts: int
    is_key: bool
    number: int
    """Of the picture that it becomes."""


def times_of(look: Look) -> dict[int, float]:
    """When each picture is shown, seconds from the first, by its number."""
    stated = look.times or tuple(Fraction(i, FPS) for i in range(look.num_pictures))
    return {i: float(time - stated[0]) for i, time in enumerate(stated)}


class Clips:
    """Clips of one scene, made when they are asked for and kept."""

    def __init__(self, folder: Path, videos: Path | None, rng: Random) -> None:
        """videos: a folder of clips, of which one is the scene; None: the project's own game is."""
        self._folder = folder
        self._scene = _scene(videos, rng)
        self._made: dict[str, Path] = {}

    def get(self, look: Look) -> Path:
        """The file of a clip; not to be changed."""
        key = repr(look)
        if key not in self._made:
            path = self._folder / f"healthy-{len(self._made)}{look.suffix}"
            _write(path, look, self._pictures(look))
            self._made[key] = path
        return self._made[key]

    def _pictures(self, look: Look) -> Iterable[Image]:
        return (numbered(self._scene[i % len(self._scene)], i, look.size) for i in range(look.num_pictures))


def _scene(videos: Path | None, rng: Random) -> list[Image]:
    found = sorted(videos.glob("*.m*")) if videos is not None else []
    if not found:
        game = SyntheticGame(seed=rng.randrange(1000), seconds=2, size=SIZE, fps=FPS)
        return [np.asarray(game.frame(i).image, np.uint8) for i in range(NUM_PICTURES)]
    with open_video(rng.choice(found)) as video:
        return [np.asarray(cv2.resize(f.image, SIZE), np.uint8) for f in islice(video, NUM_PICTURES)]


# The number of a picture, within it


def numbered(scene: Image, number: int, size: tuple[int, int]) -> Image:
    """A picture of ``size`` with its number in the upper half: a row of bits, and below it each bit's opposite."""
    image = np.array(cv2.resize(scene, size), np.uint8)
    for row, column, area in _cells(image):
        image[area] = 235 if (number >> column & 1) ^ row else 20
    return image


def read_number(image: Image) -> int | None:
    """The number of a picture; None where it cannot be read for certain."""
    levels = np.zeros((2, _BITS))
    for row, column, area in _cells(image):
        levels[row, column] = image[area].mean()
    upper, lower = levels
    if (abs(upper - lower) < _CONTRAST).any():
        return None
    return int(((upper > lower) << np.arange(_BITS)).sum())


def _cells(image: Image) -> Iterable[tuple[int, int, tuple[slice, slice]]]:
    height, width = image.shape[0] // 4, image.shape[1] // _BITS
    for row in range(2):
        for column in range(_BITS):
            area = slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width)
            yield row, column, area


# Writing


def _write(path: Path, look: Look, pictures: Iterable[Image]) -> None:
    options = dict(look.file_options)
    with av.open(str(path), "w", options=options) as container:
        stream: Any = container.add_stream(look.codec, rate=1000 if look.times else FPS)
        stream.width, stream.height = look.size
        stream.pix_fmt = look.pixels
        stream.codec_context.gop_size = look.key_every
        stream.codec_context.thread_count = 1
        stream.options = _codec_options(look)
        if look.times:
            stream.codec_context.time_base = Fraction(1, 1000)
        if look.interlaced:
            stream.codec_context.flags |= 1 << 18
        sound: Any = container.add_stream("aac", rate=16000, layout="mono") if look.has_sound else None
        if sound is not None:
            _write_sound(container, sound, look.num_pictures / FPS)
        for i, picture in enumerate(pictures):
            frame: Any = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=look.pixels)
            frame.time_base = Fraction(1, 1000) if look.times else Fraction(1, FPS)
            frame.pts = round(look.times[i] * 1000) if look.times else i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _codec_options(look: Look) -> dict[str, str]:
    plain = {"preset": "ultrafast", "sc_threshold": "0", "bf": "0"} if look.codec == "libx264" else {}
    x265 = f"keyint={look.key_every}:bframes=0:log-level=none:pools=none:frame-threads=1"
    plain = {"preset": "ultrafast", "x265-params": x265} if look.codec == "libx265" else plain
    plain = {"deadline": "realtime", "cpu-used": "8"} if look.codec.startswith("libvpx") else plain
    return {**plain, **look.codec_options}


def _write_sound(container: Any, stream: Any, seconds: float) -> None:
    samples = (np.sin(np.arange(int(16000 * seconds)) / 9) * 9000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts = 16000, 0
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=16000, frame_size=1024)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode())


# Packets


def pieces_of(path: Path) -> list[Piece]:
    """The packets of a clip's video, in the order of the file."""
    with av.open(str(path)) as container:
        packets: list[Any] = [p for p in container.demux(video=0) if p.size]
        order = {pts: i for i, pts in enumerate(sorted(p.pts for p in packets))}
        return [Piece(p.pos or 0, bytes(p), p.pts, p.dts, p.is_keyframe, order[p.pts]) for p in packets]


def write_pieces(path: Path, template: Path, pieces: Sequence[Piece], **options: str) -> None:
    """The packets as a file of their own, of the codec of ``template``."""
    with av.open(str(template)) as source, av.open(str(path), "w", options=options) as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        tick = source.streams.video[0].time_base
        duration = round(Fraction(1, FPS) / (tick or 1))
        for piece in pieces:
            packet: Any = Packet(piece.data)
            packet.pts, packet.dts, packet.time_base = piece.pts, piece.dts, tick
            packet.duration = duration
            packet.is_keyframe, packet.stream = piece.is_key, stream
            container.mux(packet)


def dependent_on(pieces: Sequence[Piece], broken: Iterable[int]) -> frozenset[int]:
    """The numbers of pictures that need one of ``broken`` (numbers) to be decoded, those themselves included."""
    broken, spoiled, found = set(broken), False, set[int]()
    for piece in pieces:
        spoiled = (spoiled and not piece.is_key) or piece.number in broken
        if spoiled:
            found.add(piece.number)
    return frozenset(found)
