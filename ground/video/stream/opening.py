"""One opening of a video: of the streams in it one is decoded, picture by picture, past what is broken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import TracebackType
from typing import Self

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ground.errors import InputError
from ground.pixels import MOST_PIXELS, require_size
from ground.video.stream.container import open_container, read_only, videos_in, why_no_video
from ground.video.stream.losses import Losses

_AHEAD_PACKETS, _AHEAD_BYTES = 240, 16 << 20
"""How far it is looked ahead: some seconds, less where each frame is large."""


class Opening:
    """A source opened once, at its beginning: of its videos one is decoded, picture by picture."""

    def __init__(self, source: str, choice: int) -> None:
        """choice: which of the videos, counted from the one to watch first."""
        self.container = open_container(source)
        videos = videos_in(self.container)
        self.num_videos = len(videos)
        if not videos:
            reason = why_no_video(self.container)
            self.container.close()
            raise InputError(f"{source}: {reason}")
        self.stream = videos[choice]
        try:
            require_size(source, self.stream.width, self.stream.height)
        except InputError:
            self.container.close()
            raise
        self.stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}  # a picture may claim more than the first
        # Threads would make of damage what their timing makes of it, and swallow some errors; parts run side by side.
        self.stream.thread_type = "NONE"  # type: ignore[assignment]
        read_only(self.container, self.stream)
        self.losses = Losses()
        self._packets: Iterator[Packet[VideoStream]] = self.container.demux(self.stream)
        self.pictures: Iterator[VideoFrame] = self._decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def look_ahead(self) -> list[Packet[VideoStream]]:
        """The next packets, which are decoded later all the same."""
        ahead: list[Packet[VideoStream]] = []
        num_bytes, rest = 0, self._packets
        try:
            while len(ahead) < _AHEAD_PACKETS and num_bytes < _AHEAD_BYTES:
                packet = next(self._packets)
                ahead.append(packet)
                num_bytes += packet.size
        except StopIteration:
            pass
        except av.FFmpegError as error:  # it is met again when the pictures before it have been decoded
            rest = _broken(error)
        self._packets = chain(ahead, rest)
        return ahead

    def seek(self, pts: int) -> bool:
        """Go to a key frame near ``pts``; False where that cannot be done."""
        try:
            self.container.seek(pts, stream=self.stream)
        except av.FFmpegError:
            return False
        return True

    def _decode(self) -> Iterator[VideoFrame]:
        """Every picture that can be decoded, in the order in which they are shown."""
        ended = False
        while not ended:
            packet = None
            try:
                packet = next(self._packets, None)
            except av.FFmpegError:  # cut off; the length of the video tells
                self.losses.complained()
            ended = packet is None or packet.size == 0  # the empty packet at the end makes the decoder give its last
            if packet is not None:
                self.losses.sent(packet)
            try:
                for picture in self.stream.decode(packet):
                    self.losses.got(picture)
                    yield picture
            except av.FFmpegError:
                self.losses.complained()
        self.losses.ended()


def _broken(error: av.FFmpegError) -> Iterator[Packet[VideoStream]]:
    raise error
    yield
