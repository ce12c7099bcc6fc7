"""Pictures to H.264, in stretches that begin anew: each can be made alone, in any order, and joined to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from ground.frames import Image

_THREADS = 4
"""Of the encoder, which makes other files of other numbers: by itself it takes as many as there are cores. Frames in
threads and not slices of them, which would cost a fifth of the size."""
X264_PRESET = "veryfast"
"""The usual one."""
_X264 = {"crf": "20", "forced-idr": "1", "mbtree": "0", "x264-params": "me=dia:b-adapt=0"}
"""Without mbtree: where a row of macroblocks is no multiple of 8 (480 or 854 pixels), its code for vector units reads
memory that nobody wrote, and no two runs give the same file. The preset's search for motion and its choice of B-frames
take a fifth of its time; without them the files of two broadcasts were a hundredth smaller, and 0.03 dB less like."""
_SECONDS_PER_KEY_FRAME = 2
"""More key frames than x264 makes by itself, so that one can jump about in the video."""
_RATES = Fraction(1), Fraction(240)
"""Frames per second that the encoder is told: beyond them it asks for a level that no player has."""
_BT709, _SMPTE170M = 1, 6
"""AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic of high and standard definition."""
_GLOBAL_HEADER = 1 << 22
"""AV_CODEC_FLAG_GLOBAL_HEADER: MP4 keeps what all packets need once."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What all pictures of a video have in common."""

    width: int
    height: int
    """Pixels. H.264 needs even sizes: an odd picture gets its last column or row twice."""
    frame_rate: Fraction
    time_base: Fraction
    """Seconds; times are kept to a multiple of it."""
    sample_aspect_ratio: Fraction = Fraction(1)
    x264_preset: str = X264_PRESET
    """``superfast`` takes two thirds of the time, and makes files that are larger by two fifths."""

    @property
    def frame_duration(self) -> int:
        """How long a picture is shown where nothing tells it, in ``time_base``."""
        return max(1, round(1 / self.frame_rate / self.time_base))

    def configure(self, context: VideoCodecContext) -> None:
        """Make an encoder one of this format; those of one format are all alike."""
        encoder: Any = context
        encoder.width, encoder.height = self.width + self.width % 2, self.height + self.height % 2
        encoder.pix_fmt, encoder.options = "yuv420p", {"preset": self.x264_preset, **_X264}
        encoder.framerate = min(max(self.frame_rate, _RATES[0]), _RATES[1])
        encoder.time_base, encoder.sample_aspect_ratio = self.time_base, self.sample_aspect_ratio
        encoder.colorspace = _BT709 if self.height >= 720 else _SMPTE170M
        encoder.color_primaries = encoder.color_trc = _BT709
        encoder.color_range = int(ColorRange.MPEG)
        encoder.thread_count, encoder.thread_type = _THREADS, "FRAME"
        encoder.flags |= _GLOBAL_HEADER


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A stretch of H.264 that can be decoded alone, as columns with a row per packet, in the order of decoding."""

    data: npt.NDArray[np.uint8]
    """uint8 (B,): all packets, one after the other."""
    size: npt.NDArray[np.int64]
    """int64 (N,), bytes."""
    pts: npt.NDArray[np.int64]
    """int64 (N,), when a picture is shown, in the format's ``time_base``."""
    is_key: npt.NDArray[np.bool_]
    """bool (N,)"""


def encode(pictures: Iterable[tuple[float, Image]], video: VideoFormat) -> Encoded:
    """Encode ``pictures``, pairs of seconds and RGB uint8 (H, W, 3), all of the format's size.

    A picture that is not later than the one before it is shown one ``time_base`` after that.
    """
    encoder: Any = av.CodecContext.create("libx264", "w")
    video.configure(encoder)
    pack = _Pack()
    matrix = Colorspace.ITU709 if video.height >= 720 else Colorspace.SMPTE170M
    reformatter, last, next_key = VideoReformatter(), None, float("-inf")
    for time, image in pictures:
        if image.shape[:2] != (video.height, video.width):
            raise ValueError(f"a picture of {image.shape} in a video of {(video.height, video.width)}")
        pts = round(Fraction(time) / video.time_base)
        last = pts = pts if last is None else max(pts, last + 1)
        picture = reformatter.reformat(
            VideoFrame.from_ndarray(_even(image), "rgb24"),
            format="yuv420p",
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        picture.pts, picture.time_base = pts, video.time_base
        if time >= next_key:
            picture.pict_type = PictureType.I
            next_key = time + _SECONDS_PER_KEY_FRAME
        pack.add(encoder.encode(picture))
    pack.add(encoder.encode(None))
    return pack.encoded()


def _even(image: Image) -> Image:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)


class _Pack:
    """Collects packets."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._rows: list[tuple[int, int, bool]] = []

    def add(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            self._data += bytes(packet)
            self._rows.append((packet.size, packet.pts or 0, packet.is_keyframe))

    def encoded(self) -> Encoded:
        size, pts, is_key = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        return Encoded(
            np.frombuffer(bytes(self._data), np.uint8),
            np.array(size, np.int64), np.array(pts, np.int64), np.array(is_key, np.bool_),
        )  # fmt: skip
